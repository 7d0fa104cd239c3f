"""`MergeColumns`: several columns of a row as one list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError
from tasks.column_types import Misfit, merged
from tasks.frames import Schema
from tasks.outcome import Outcome, StepContext
from tasks.row import SHADOW
from tasks.step import Step

_LISTS = (pl.List, pl.Array)


class MergeColumns(Step):
    """Puts the values of several columns into one list per row and drops these columns.

    Columns: `columns` -> `output_column` (list; "merged_column" if not named). The items of a list
    are taken one by one, any other value as one item; a null is one null item.

    Raises:
        ConfigurationError: the columns' types cannot share a list.

    Example:
        >>> from tasks import MergeColumns
        >>> step = MergeColumns(columns=["first", "others"], output_column="all")
        >>> next(step.process([{"first": "a", "others": ["b", "c"]}]))
        [{'all': ['a', 'b', 'c']}]
    """

    version: ClassVar = 1

    columns: Sequence[str] = Field(min_length=1)
    output_column: str | None = None

    @property
    def inputs(self) -> Sequence[str]:
        return self.columns

    @property
    def outputs(self) -> tuple[str, ...]:
        return (self.output_column or "merged_column",)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        kind = self._item_type([frame.schema[name] for name in self.columns])
        items = [_items(name, frame.schema[name], kind) for name in self.columns]
        (column,) = self.outputs
        made = frame.select(pl.concat_list(items).alias(column))
        context.observer.finished(self.name, frame.height, 0)
        return Outcome(frame.drop(self._consumed(frame)).with_columns(made))

    def columns_after(self, before: Schema) -> Schema:
        consumed = {self.input_mappings.get(name, name) for name in self.columns}
        rest = {name: kind for name, kind in before.items() if name not in consumed}
        kinds = [before[self.input_mappings.get(name, name)] for name in self.columns]
        (column,) = self.outputs
        made = None if None in kinds else pl.List(self._item_type(kinds))
        return {**rest, self.output_mappings.get(column, column): made}

    def _item_type(self, kinds: Sequence[Any]) -> pl.DataType:
        items: list[Any] = [kind.inner if isinstance(kind, _LISTS) else kind for kind in kinds]
        nothing: pl.DataType = pl.Null()
        try:
            return reduce(merged, items, nothing)
        except Misfit as error:
            raise ConfigurationError(
                f"Step {self.name!r} cannot merge {', '.join(map(repr, self.columns))}: one list "
                f"cannot hold {error}."
            ) from error

    def _consumed(self, frame: pl.DataFrame) -> set[str]:
        """Return the columns to drop: those merged, and the dataset's own behind mapped names."""
        sources = {self.input_mappings.get(name, name) for name in self.columns}
        hidden = {SHADOW + name for name in sources if SHADOW + name in frame.columns}
        plain = {name for name in sources if SHADOW + name not in frame.columns}
        return {*self.columns, *hidden, *plain}


def _items(name: str, kind: pl.DataType, item: pl.DataType) -> pl.Expr:
    """Return a column as something to concatenate: lists without nulls, or single values."""
    column = pl.col(name)
    if isinstance(kind, _LISTS):
        inner = item if item == pl.String else kind.inner
        column = column.cast(pl.List(inner))
        return column.fill_null(pl.lit([None], dtype=pl.List(inner)))
    return column.cast(item) if item == pl.String else column
