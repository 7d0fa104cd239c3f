"""`DataSampler`: rows drawn from given ones, as examples for a prompt."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.choices import random_for
from tasks.column_types import Types
from tasks.row import Row
from tasks.sources.dict_rows import DictRows, column_types
from tasks.sources.seeded_source import SeededSource


class DataSampler(SeededSource):
    """Draws `size` different rows of `data` for each of `samples` new rows: few-shot examples.

    Columns out: every key of every dict, as a list of `size` values; a key that a dict lacks is
    null there. What a row holds derives from `seed` and its number, so that the same rows come out
    every time and more `samples` leave the earlier rows and their keys as they are.

    Raises:
        ConfigurationError: `data` has fewer rows than `size`, or values of a key that cannot share
            a column.

    Example:
        >>> from tasks import DataSampler
        >>> data = [{"example": "2 + 2 = 4"}, {"example": "3 + 1 = 4"}, {"example": "1 + 1 = 2"}]
        >>> rows, is_last = next(DataSampler(data=data, size=2, samples=5).process())
        >>> [len(row["example"]) for row in rows], is_last
        ([2, 2, 2, 2, 2], True)
    """

    version: ClassVar = 1

    data: DictRows
    size: int = Field(default=2, ge=1)
    samples: int = Field(default=100, ge=1)

    @property
    def outputs(self) -> Types:
        return {name: pl.List(kind) for name, kind in self._types.items()}

    @property
    def height(self) -> int:
        return self.samples

    def row(self, number: int) -> Row:
        drawn = random_for(str(number), self.seed).sample(self.data, self.size)
        return {name: [row.get(name) for row in drawn] for name in self._types}

    @cached_property
    def _types(self) -> Types:
        return column_types(self.data)

    @model_validator(mode="after")
    def _have_enough_rows(self) -> Self:
        if len(self.data) < self.size:
            raise ConfigurationError(
                f"DataSampler cannot draw {self.size} different rows out of {len(self.data)}; give "
                f"more data= or a smaller size=."
            )
        return self
