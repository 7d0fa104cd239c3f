"""`Gaussian`: a number around a mean."""

from __future__ import annotations

import math
from random import Random
from statistics import NormalDist
from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.row import Row
from tasks.samplers.decimals import steps_between
from tasks.samplers.sampler import Sampler

_SMALLEST_SHARE = 0.001


class Gaussian(Sampler):
    """Draws a number around `mean`: two of three lie within `stddev` of it, all but 5 % within two.

    A number below `low` or above `high` is drawn anew, so that none piles up at a bound. With
    `decimals` it has at most so many; 0 makes a column of whole numbers.

    Raises:
        ConfigurationError: `stddev` is not above zero, `low` is above `high`, or fewer than one of
            a thousand numbers would lie between them.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Gaussian
        >>> length = Gaussian(mean=170, stddev=10, low=150, high=200, decimals=0)
        >>> [length.draw(Random(number), {}) for number in range(4)]
        [179, 183, 193, 171]
    """

    kind: ClassVar = "gaussian"

    mean: float = Field(allow_inf_nan=False)
    stddev: float = Field(gt=0, allow_inf_nan=False)
    decimals: int | None = Field(default=None, ge=0, le=15)
    low: float | None = Field(default=None, allow_inf_nan=False)
    high: float | None = Field(default=None, allow_inf_nan=False)

    @property
    def dtype(self) -> pl.DataType:
        return pl.Int64() if self.decimals == 0 else pl.Float64()

    def draw(self, random: Random, row: Row) -> float:
        while True:
            value = random.gauss(self.mean, self.stddev)
            if self.decimals is not None:
                value = round(value, self.decimals or None)
            if self._low <= value <= self._high:
                return value

    @property
    def _low(self) -> float:
        return -math.inf if self.low is None else self.low

    @property
    def _high(self) -> float:
        return math.inf if self.high is None else self.high

    @model_validator(mode="after")
    def _check(self) -> Self:
        low, high = self._low, self._high
        if low > high:
            raise ConfigurationError(f"Gaussian: low={low:g} is above high={high:g}; swap them.")
        half = 0.0 if self.decimals is None else 0.5 * 10**-self.decimals
        numbers = NormalDist(self.mean, self.stddev)
        if numbers.cdf(high + half) - numbers.cdf(low - half) < _SMALLEST_SHARE:
            raise ConfigurationError(
                f"Gaussian: fewer than one of a thousand numbers around mean={self.mean:g} with "
                f"stddev={self.stddev:g} lie between low and high; move them nearer to the mean."
            )
        if self.decimals is not None:
            reach = 9 * self.stddev
            steps_between(max(low, self.mean - reach), min(high, self.mean + reach), self.decimals)
        return self
