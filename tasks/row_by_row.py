"""A step's `process` over a partition, so that each row made is known by the row it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llms.digest import digest
from llms.errors import ConfigurationError, RowRejected
from tasks.declaration import required, typed
from tasks.frames import derive, misfits, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, Row, copied, derived_key, describe_error

if TYPE_CHECKING:
    from tasks.step import Step


class RowByRow:
    """Runs a step's `process` so that each row made is known by the row it was made from.

    `process` gets `input_batch_size` rows. Where it returns the very dicts it was given, they tell
    which row is which; where it builds new ones, or fails, the rows are given to it one at a time.
    A global step gets all rows once; new rows are taken for the old ones by their position where
    there are as many, and otherwise come from the dataset as a whole.
    """

    def __init__(
        self, step: Step, frame: pl.DataFrame, context: StepContext, *, at_once: bool
    ) -> None:
        self._step = step
        self._at_once = at_once
        self._frame = frame
        self._rows = rows_of(frame)
        self._observer = context.observer
        self._needed = required(step.outputs)
        self._indices: list[int] = []
        self._keys: list[str] = []
        self._made: list[Row] = []
        self._rejections: list[tuple[int, Rejection]] = []

    def outcome(self) -> Outcome:
        if self._at_once:
            self._take_all()
        else:
            size = self._step.input_batch_size
            for start in range(0, len(self._rows), size):
                self._take_batch(start, self._rows[start : start + size])
        declared = typed(self._step.outputs)
        unfit = misfits(self._made, declared)
        for number, reason in unfit.items():
            self._reject(self._indices[number], self._keys[number], reason)
        fit = [number for number in range(len(self._made)) if number not in unfit]
        frame = derive(
            self._frame,
            [self._indices[number] for number in fit],
            [self._keys[number] for number in fit],
            [self._made[number] for number in fit],
            declared,
        )
        ordered = sorted(self._rejections, key=lambda entry: entry[0])
        return Outcome(frame, tuple(rejection for _, rejection in ordered))

    def _take_all(self) -> None:
        given = copied(self._rows)
        position = {id(row): index for index, row in enumerate(given)}
        made = self._process(given) if given else []
        origins = [position.get(id(row)) for row in made]
        last = len(given) - 1
        whole = digest(self._frame[KEY].to_list())
        known = None not in origins and len(set(origins)) == len(origins)
        for number, (origin, row) in enumerate(zip(origins, made, strict=True)):
            index = origin if known and origin is not None else min(number, last)
            if known or len(made) == len(given):
                self._keep(index, self._frame[KEY][index], row)
            else:
                self._keep(index, derived_key(whole, self._step.name, number), row)
        self._observer.finished(self._step.name, len(given), 0)

    def _take_batch(self, start: int, rows: list[Row]) -> None:
        given = copied(rows)
        position = {id(row): start + index for index, row in enumerate(given)}
        if len(given) > 1:
            try:
                made = self._process(given)
            except ConfigurationError:
                raise
            except Exception:
                made = None
            origins = [position.get(id(row)) for row in made or ()]
            if made is not None and None not in origins and len(set(origins)) == len(origins):
                known = {id(row): row for row in made}
                for index, row in enumerate(given, start):
                    if id(row) in known:
                        self._keep(index, self._frame[KEY][index], row)
                self._observer.finished(self._step.name, len(rows), 0)
                return
        for index, row in enumerate(rows, start):
            self._take_row(index, row)

    def _take_row(self, index: int, row: Row) -> None:
        parent = self._frame[KEY][index]
        try:
            made = self._process([copied(row)])
        except ConfigurationError:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, RowRejected) else describe_error(error)
            self._reject(index, parent, reason)
            self._observer.finished(self._step.name, 0, 1)
            return
        for number, one in enumerate(made):
            single = len(made) == 1
            key = parent if single else derived_key(parent, self._step.name, number)
            self._keep(index, key, one)
        self._observer.finished(self._step.name, 1, 0)

    def _process(self, rows: list[Row]) -> list[Row]:
        made = [row for batch in self._step.process(rows) for row in batch]
        for row in made:
            if not isinstance(row, dict):
                raise TypeError(f"a step yields lists of rows, but in a list was {row!r:.100}")
        return made

    def _keep(self, index: int, key: str, row: Row) -> None:
        if missing := [name for name in self._needed if name not in row]:
            self._reject(index, key, f"the step made no {', '.join(map(repr, missing))}")
            return
        self._indices.append(index)
        self._keys.append(key)
        self._made.append(row)

    def _reject(self, index: int, key: str, reason: str) -> None:
        parent = self._frame[KEY][index]
        rejection = Rejection(key, parent, self._step.name, reason, self._rows[index])
        self._rejections.append((index, rejection))
