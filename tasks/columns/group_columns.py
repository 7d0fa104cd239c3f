"""`GroupColumns`: one column of several steps as a list."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.column_types import Misfit, merged
from tasks.columns.side_by_side import side_by_side
from tasks.fan_in import FanInStep
from tasks.frames import Schema


class GroupColumns(FanInStep):
    """Gathers what several steps wrote into the same column for a row as a list.

    Columns: `columns` -> `output_columns` (lists with one item for each step, in the order they
    were connected; "grouped_<column>" if not named). The grouped columns themselves go; of other
    columns with equal names the step connected last wins, and `distilabel_metadata` keeps the
    fields of all. A row that did not come from every step is rejected.

    Raises:
        ConfigurationError: there are not as many names as columns, a name comes twice, or a
            column's types in the different steps cannot share a list.

    Example:
        >>> from tasks import GroupColumns
        >>> step = GroupColumns(columns=["generation"], output_columns=["generations"])
        >>> next(step.process([{"generation": "Hi!"}], [{"generation": "Hello."}]))
        [{'generations': ['Hi!', 'Hello.']}]
    """

    version: ClassVar = 1

    columns: Sequence[str] = Field(min_length=1)
    output_columns: Sequence[str] | None = None

    @property
    def inputs(self) -> Sequence[str]:
        return self.columns

    @property
    def outputs(self) -> Sequence[str]:
        return self.output_columns or [f"grouped_{name}" for name in self.columns]

    @model_validator(mode="after")
    def _name_one_output_for_each(self) -> Self:
        if len(self.outputs) != len(self.columns):
            raise ConfigurationError(
                f"GroupColumns: output_columns names {len(self.outputs)} columns for "
                f"{len(self.columns)} in columns; name one for each."
            )
        for names in (self.columns, self.outputs):
            if twice := [name for name in names if names.count(name) > 1]:
                raise ConfigurationError(
                    f"GroupColumns: the column {twice[0]!r} comes twice; name each once."
                )
        return self

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        grouped = [
            self._grouped([frame[name] for frame in frames]).alias(output)
            for name, output in zip(self.columns, self.outputs, strict=True)
        ]
        return side_by_side(frames).drop(self.columns).with_columns(grouped)

    def columns_after(self, before: Schema) -> Schema:
        rest = {name: kind for name, kind in before.items() if name not in self.columns}
        kinds = [before[name] for name in self.columns]
        made = [None if kind is None else pl.List(kind) for kind in kinds]
        names = [self.output_mappings.get(name, name) for name in self.outputs]
        return {**rest, **dict(zip(names, made, strict=True))}

    def _grouped(self, values: Sequence[pl.Series]) -> pl.Series:
        try:
            kind = reduce(merged, [column.dtype for column in values])
        except Misfit as error:
            raise ConfigurationError(
                f"Step {self.name!r} cannot group {values[0].name!r}: one list cannot hold {error}."
            ) from error
        steps = pl.DataFrame(
            [
                (column.cast(kind) if kind == pl.String else column).alias(str(number))
                for number, column in enumerate(values)
            ]
        )
        # A value that is a list itself would be taken apart, so each travels inside a struct.
        items = [pl.struct(pl.col(name).alias("item")) for name in steps.columns]
        lists = pl.concat_list(items).list.eval(pl.element().struct.field("item"))
        return steps.select(lists).to_series()
