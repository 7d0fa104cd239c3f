"""`KeepRows`: the rows that a filter marked."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.frames import Schema
from tasks.outcome import Outcome, StepContext
from tasks.step import Step


class KeepRows(Step):
    """Keeps the rows whose marks are all true, and drops the marks.

    Columns: `columns` (bool, as MinHashDedup, EmbeddingDedup and the checkers make them) -> none.
    A row with a mark that is false or null is filtered: the accounts count it, it is no rejection.

    Example:
        >>> from tasks import KeepRows
        >>> step = KeepRows(columns=("good",))
        >>> next(step.process([{"text": "a", "good": True}, {"text": "b", "good": False}]))
        [{'text': 'a'}]
    """

    version: ClassVar = 1

    columns: tuple[str, ...]

    @property
    def inputs(self) -> dict[str, pl.DataType]:
        return dict.fromkeys(self.columns, pl.Boolean())

    def columns_after(self, before: Schema) -> Schema:
        return {name: kind for name, kind in before.items() if name not in self.columns}

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        marked = pl.all_horizontal(pl.col(name).fill_null(False) for name in self.columns)
        context.observer.finished(self.name, frame.height, 0)
        return Outcome(frame.filter(marked).drop(self.columns))
