"""The gate `judge`: the scores that a judge gave."""

from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration, unfit
from flows.gates.gate import Gate, Share, require_one_of
from flows.gates.means import mean_verdict
from flows.gates.verdict import Verdict, number, percent
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError


class JudgeScores(Gate):
    """The scores that a step of the pipeline gave to the rows, such as a model that judges them.

    Each score of a list counts. A row without a score, or with NaN, counts as a low one.
    """

    column: str = Field(description="Column with the scores")
    mean_at_least: float | None = Field(default=None, description="Smallest mean score")
    low_below: float | None = Field(default=None, description="Scores below this one are low")
    low_at_most: Share | None = Field(
        default=None, description="Largest share of rows that may have a low score"
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "mean_at_least", "low_at_most")
        if (self.low_below is None) != (self.low_at_most is None):
            raise ConfigurationError(
                "The gate judge takes low_below and low_at_most together: which scores are low, "
                "and how many may be."
            )
        return self

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        yield from in_each_configuration("judge", version, self.column, self._check)

    def _check(self, column: Column) -> Iterator[Verdict]:
        if not column.holds_numbers:
            yield unfit("judge", column, "numbers")
            return
        values = column.values()
        if column.is_list:
            values = values.explode(VALUE, empty_as_null=True)
        scores = values.with_columns(pl.col(VALUE).cast(pl.Float64))
        if self.mean_at_least is not None:
            known = scores[VALUE].drop_nulls()
            yield mean_verdict("judge", column, known, "mean score", self.mean_at_least, None)
        if self.low_below is not None and self.low_at_most is not None:
            yield _low(column, scores, self.low_below, self.low_at_most)


def _low(column: Column, scores: pl.DataFrame, threshold: float, most: float) -> Verdict:
    good = pl.col(VALUE).is_not_nan() & (pl.col(VALUE) >= threshold)
    found = scores.filter(~good.fill_null(False))
    share = found.height / scores.height if scores.height else 0.0
    wanted = f"at most {percent(most)} below {number(threshold)}"
    sentence = (
        f"{percent(share)} of the scores in {column.subject!r} are below {number(threshold)} or "
        f"missing ({found.height:,} of {scores.height:,})"
    )
    if share <= most:
        return Verdict("judge", column.subject, True, share, wanted, f"{sentence}.")
    shown = column.examples(
        found.with_columns(pl.col(VALUE).cast(pl.String).fill_null("no score")), quoted=False
    )
    sentence += f", and at most {percent(most)} may be{shown}."
    keys = column.keys(found[ROW])
    return Verdict("judge", column.subject, False, share, wanted, sentence, keys)
