"""`Uniform`: a number between two others."""

from __future__ import annotations

from functools import cached_property
from random import Random
from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.row import Row
from tasks.samplers.decimals import steps_between
from tasks.samplers.sampler import Sampler


class Uniform(Sampler):
    """Draws a number from `low` to `high`, every one equally often.

    With `decimals` it has at most so many, and `low` and `high` come as often as any other; 0 makes
    a column of whole numbers.

    Raises:
        ConfigurationError: `low` is above `high`, or no number of so many decimals lies between.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Uniform
        >>> die = Uniform(low=1, high=6, decimals=0)
        >>> [die.draw(Random(number), {}) for number in range(6)]
        [4, 2, 1, 2, 2, 5]
    """

    kind: ClassVar = "uniform"

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)
    decimals: int | None = Field(default=None, ge=0, le=15)

    @property
    def dtype(self) -> pl.DataType:
        return pl.Int64() if self.decimals == 0 else pl.Float64()

    def draw(self, random: Random, row: Row) -> float:
        if self.decimals is None:
            return random.uniform(self.low, self.high)
        step: int = random.choice(self._steps)
        return step / 10**self.decimals if self.decimals else step

    @cached_property
    def _steps(self) -> range:
        return steps_between(self.low, self.high, self.decimals or 0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.low > self.high:
            raise ConfigurationError(
                f"Uniform: low={self.low:g} is above high={self.high:g}; swap them."
            )
        if self.decimals is not None:
            steps_between(self.low, self.high, self.decimals)
        return self
