"""The gate `ratings`: the mean and the range of numbers."""

from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration, unfit
from flows.gates.gate import Gate, require_one_of, require_order
from flows.gates.means import mean_verdict
from flows.gates.verdict import Verdict, number
from flows.versions.saved import SavedVersion
from llms.config import Config
from llms.errors import ConfigurationError


class RatingBounds(Config):
    """The mean of a column's numbers, and the range that all of them lie in.

    Each number of a list counts; where there is none nothing is counted.
    """

    mean_at_least: float | None = Field(default=None, description="Smallest mean")
    mean_at_most: float | None = Field(default=None, description="Largest mean")
    within: tuple[float, float] | None = Field(
        default=None, description="Lowest and highest number that is allowed"
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "mean_at_least", "mean_at_most", "within")
        require_order(self, "mean_at_least", "mean_at_most")
        if self.within is not None and self.within[0] > self.within[1]:
            raise ConfigurationError(
                f"RatingBounds: within is the lowest and the highest number, and "
                f"{self.within[0]:g} is above {self.within[1]:g}."
            )
        return self

    def check(self, column: Column) -> Iterator[Verdict]:
        """Yield what is found in a column."""
        if not column.holds_numbers:
            yield unfit("ratings", column, "numbers")
            return
        ratings = column.items().with_columns(pl.col(VALUE).cast(pl.Float64))
        if self.mean_at_least is not None or self.mean_at_most is not None:
            yield mean_verdict(
                "ratings", column, ratings[VALUE], "mean", self.mean_at_least, self.mean_at_most
            )
        if self.within is not None:
            yield _range(column, ratings, *self.within)


class Ratings(Gate):
    """The mean and the range of the numbers in some columns."""

    columns: dict[str, RatingBounds] = Field(description="Bounds by column")

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name, wanted in self.columns.items():
            yield from in_each_configuration("ratings", version, name, wanted.check)


def _range(column: Column, ratings: pl.DataFrame, low: float, high: float) -> Verdict:
    wanted = f"from {number(low)} to {number(high)}"
    found = ratings.filter(~pl.col(VALUE).is_between(low, high))
    if found.is_empty():
        sentence = f"All {ratings.height:,} values of {column.subject!r} lie {wanted}."
        return Verdict("ratings", column.subject, True, 0, wanted, sentence)
    sentence = (
        f"{found.height:,} of {ratings.height:,} values of {column.subject!r} do not lie {wanted}"
        f"{column.examples(found, quoted=False)}."
    )
    keys = column.keys(found[ROW])
    return Verdict("ratings", column.subject, False, found.height, wanted, sentence, keys)
