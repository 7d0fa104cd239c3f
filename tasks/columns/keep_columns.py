"""`KeepColumns`: some columns, in the order named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from pydantic import Field

from tasks.frames import Schema
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, PARENT
from tasks.step import Step


class KeepColumns(Step):
    """Keeps the named columns, in that order, and drops all others.

    Columns: `columns` -> the same.

    Raises:
        ConfigurationError: a column does not exist.

    Example:
        >>> from tasks import KeepColumns
        >>> next(KeepColumns(columns=["answer"]).process([{"notes": "x", "answer": "42"}]))
        [{'answer': '42'}]
    """

    version: ClassVar = 1

    columns: Sequence[str] = Field(min_length=1)

    @property
    def inputs(self) -> Sequence[str]:
        return self.columns

    @property
    def outputs(self) -> Sequence[str]:
        return self.columns

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        kept = frame.select(*dict.fromkeys(self.columns), KEY, PARENT)
        context.observer.finished(self.name, kept.height, 0)
        return Outcome(kept)

    def columns_after(self, before: Schema) -> Schema:
        return {
            self.output_mappings.get(name, name): before[self.input_mappings.get(name, name)]
            for name in self.columns
        }
