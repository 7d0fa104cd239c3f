"""`LoadDataFromDicts`: rows from a list of dicts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import polars as pl
from pydantic import field_validator

from llms.errors import ConfigurationError
from tasks.column_types import (
    ColumnTypes,
    Misfit,
    Types,
    frame_with,
    refuse_empty_structs,
)
from tasks.row import Row
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class LoadDataFromDicts(GeneratorStep):
    """Loads the rows of `data`, a list of dicts.

    Columns out: every key of every dict, each with one type that holds all its values; a key that
    a dict lacks is null there.

    Raises:
        ConfigurationError: there are no rows, or the values of a key cannot share a column.
    """

    version: ClassVar = 1

    data: list[Row]

    @field_validator("data")
    @classmethod
    def _refuse_no_rows(cls, value: list[Row]) -> list[Row]:
        if not any(value):
            raise ConfigurationError("LoadDataFromDicts got no rows; data= needs at least one.")
        return value

    @property
    def outputs(self) -> Types:
        return self._types

    def frames(self) -> Iterator[pl.DataFrame]:
        for start in range(0, len(self.data), _FRAME_HEIGHT):
            yield frame_with(self.data[start : start + _FRAME_HEIGHT], self._types)

    @cached_property
    def _types(self) -> Types:
        types = ColumnTypes({})
        for number, row in enumerate(self.data, 1):
            try:
                types.see(row)
            except Misfit as error:
                raise ConfigurationError(f"Row {number} of data does not fit: {error}.") from error
        refuse_empty_structs(types.found, "data", "leave it out")
        return types.found
