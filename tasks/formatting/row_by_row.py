"""Making columns row by row, where a row that cannot be made is a rejection."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import polars as pl

from llms.errors import RowRejected
from tasks.frames import Schema, derive, frame_of, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, Row


def add_columns(
    frame: pl.DataFrame,
    make: Callable[[Row], Row],
    types: Schema,
    *,
    step: str,
    context: StepContext,
) -> Outcome:
    """Add the columns that `make` returns for a row; where it raises `RowRejected` there is none.

    `types` names all columns made, with their types where they are fixed.
    """
    keys = frame[KEY].to_list()
    made: dict[int, Row] = {}
    rejections = []
    for index, row in enumerate(rows_of(frame)):
        try:
            made[index] = make(row)
        except RowRejected as error:
            rejections.append(Rejection(keys[index], keys[index], step, str(error), row))
    kept = derive(frame, list(made), [keys[index] for index in made], None)
    context.observer.finished(step, len(made), len(rejections))
    columns = frame_of(list(made.values()), types).select(list(types))
    return Outcome(kept.with_columns(columns.get_columns()), tuple(rejections))


def prompt_id(prompt: str) -> str:
    """Return the SHA-256 of a prompt in hexadecimal, as preference datasets name prompts."""
    return sha256(prompt.encode()).hexdigest()
