"""`RowStep`: a step that makes columns from each row alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import polars as pl

from llms.errors import RowRejected
from tasks.declaration import typed
from tasks.frames import Schema, derive, frame_of, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, Row
from tasks.step import Step


class RowStep(Step):
    """Makes its `outputs` from each row alone; a row for which `make` raises is rejected."""

    @abstractmethod
    def make(self, input: Row) -> Row:
        """Return the output columns of a row.

        Raises:
            RowRejected: the row has not got what they are made of.
        """

    def types(self, before: Schema) -> Schema:
        """Return the columns made and their types, None where not known; `before` are the inputs.

        Columns are named as the step names them. Override it where they depend on the inputs.
        """
        return typed(self.outputs)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        types = self.types(frame.schema)
        return made_row_by_row(self.name, frame, context, lambda key, row: self.make(row), types)

    def columns_after(self, before: Schema) -> Schema:
        inputs, outputs = self.input_mappings, self.output_mappings
        named = {name: column for name, column in inputs.items() if column in before}
        seen = {**before, **{name: before[column] for name, column in named.items()}}
        made = self.types(seen)
        return {**before, **{outputs.get(name, name): kind for name, kind in made.items()}}


def made_row_by_row(
    step: str,
    frame: pl.DataFrame,
    context: StepContext,
    make: Callable[[str, Row], Row],
    types: Schema,
) -> Outcome:
    """Add the columns that `make` returns for a row with a key; if it raises, reject the row."""
    results: list[Row | RowRejected] = []
    for key, row in zip(frame[KEY], rows_of(frame), strict=True):
        try:
            results.append(make(key, row))
        except RowRejected as error:
            results.append(error)
    return with_results(step, frame, context, results, types)


def with_results(
    step: str,
    frame: pl.DataFrame,
    context: StepContext,
    results: Sequence[Row | RowRejected],
    types: Schema,
) -> Outcome:
    """Add the columns that were made for each row; a row with a reason instead is rejected."""
    keys, rows = frame[KEY].to_list(), rows_of(frame)
    made = {index: row for index, row in enumerate(results) if isinstance(row, dict)}
    rejections = tuple(
        Rejection(keys[index], keys[index], step, str(reason), rows[index])
        for index, reason in enumerate(results)
        if isinstance(reason, RowRejected)
    )
    kept = derive(frame, list(made), [keys[index] for index in made], None)
    context.observer.finished(step, len(made), len(rejections))
    columns = frame_of(list(made.values()), types).select(list(types))
    return Outcome(kept.with_columns(columns.get_columns()), rejections)
