"""`Category`: one of several values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from random import Random
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.column_types import Misfit, inner_of, type_of
from tasks.row import Row
from tasks.samplers.sampler import Sampler


class Category(Sampler):
    """Draws one of `values`, all equally often or as `weights` say.

    Weights are relative: they need not add up to 1. The column has the type that holds all values;
    numbers beside text become text.

    Raises:
        ConfigurationError: there are not as many weights as values, one is negative, all are zero,
            or the values cannot share a column.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Category
        >>> level = Category(values=["easy", "hard"], weights=[3, 1])
        >>> [level.draw(Random(number), {}) for number in range(6)]
        ['hard', 'easy', 'hard', 'easy', 'easy', 'easy']
    """

    kind: ClassVar = "category"

    values: list[Any] = Field(min_length=1)
    weights: Sequence[float] | None = None

    @property
    def dtype(self) -> pl.DataType:
        return self._dtype

    @property
    def possible(self) -> list[Any]:
        weights = self.weights or [1.0] * len(self.values)
        return [value for value, weight in zip(self.values, weights, strict=True) if weight]

    def draw(self, random: Random, row: Row) -> Any:
        return random.choices(self.values, self.weights)[0]

    @cached_property
    def _dtype(self) -> pl.DataType:
        kind = type_of(self.values)
        assert isinstance(kind, pl.List)
        return inner_of(kind)

    @model_validator(mode="after")
    def _check(self) -> Self:
        try:
            type_of(self.values)
        except Misfit as error:
            raise ConfigurationError(f"Category: one column cannot hold {error}.") from error
        if self.weights is None:
            return self
        if len(self.weights) != len(self.values):
            raise ConfigurationError(
                f"Category: weights= names {len(self.weights)} for {len(self.values)} values; name "
                f"one for each."
            )
        if any(not 0 <= weight < math.inf for weight in self.weights) or not sum(self.weights):
            raise ConfigurationError(
                "Category: weights= must be zero or more, and not all of them zero."
            )
        return self
