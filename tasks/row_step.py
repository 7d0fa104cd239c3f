"""`RowStep`: a step that makes columns from each row alone."""

from __future__ import annotations

from abc import abstractmethod

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
        keys = frame[KEY].to_list()
        made: dict[int, Row] = {}
        rejections = []
        for index, row in enumerate(rows_of(frame)):
            try:
                made[index] = self.make(row)
            except RowRejected as error:
                rejections.append(Rejection(keys[index], keys[index], self.name, str(error), row))
        kept = derive(frame, list(made), [keys[index] for index in made], None)
        context.observer.finished(self.name, len(made), len(rejections))
        types = self.types(frame.schema)
        columns = frame_of(list(made.values()), types).select(list(types))
        return Outcome(kept.with_columns(columns.get_columns()), tuple(rejections))

    def columns_after(self, before: Schema) -> Schema:
        inputs, outputs = self.input_mappings, self.output_mappings
        named = {name: column for name, column in inputs.items() if column in before}
        seen = {**before, **{name: before[column] for name, column in named.items()}}
        made = self.types(seen)
        return {**before, **{outputs.get(name, name): kind for name, kind in made.items()}}
