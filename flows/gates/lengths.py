"""The gate `lengths`: how long texts are."""

from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration, unfit
from flows.gates.gate import Gate, Share, require_one_of, require_order
from flows.gates.means import mean_verdict
from flows.gates.verdict import Verdict, bounds, percent
from flows.versions.saved import SavedVersion
from llms.config import Config

_LENGTH = "length"


class LengthBounds(Config):
    """How long the texts of a column may be, in characters.

    Each text of a list counts by itself, a chat by all its messages; where there is none nothing is
    counted.
    """

    shortest: int | None = Field(default=None, ge=0, description="Fewest characters of a text")
    longest: int | None = Field(default=None, ge=0, description="Most characters of a text")
    share_outside: Share = Field(
        default=0.0, description="Largest share of texts that may be shorter or longer than that"
    )
    mean_at_least: float | None = Field(default=None, ge=0, description="Smallest mean length")
    mean_at_most: float | None = Field(default=None, ge=0, description="Largest mean length")

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "shortest", "longest", "mean_at_least", "mean_at_most")
        require_order(self, "shortest", "longest")
        require_order(self, "mean_at_least", "mean_at_most")
        return self

    def check(self, column: Column) -> Iterator[Verdict]:
        """Yield what is found in a column."""
        if not column.holds_text:
            yield unfit("lengths", column, "text")
            return
        texts = column.texts(separator="").with_columns(
            pl.col(VALUE).str.len_chars().alias(_LENGTH)
        )
        if self.shortest is not None or self.longest is not None:
            yield self._outside(column, texts)
        if self.mean_at_least is not None or self.mean_at_most is not None:
            lengths = texts[_LENGTH]
            what = "mean length in characters"
            yield mean_verdict(
                "lengths", column, lengths, what, self.mean_at_least, self.mean_at_most
            )

    def _outside(self, column: Column, texts: pl.DataFrame) -> Verdict:
        low, high = self.shortest or 0, self.longest
        within = pl.col(_LENGTH) >= low
        if high is not None:
            within &= pl.col(_LENGTH) <= high
        found = texts.filter(~within)
        share = found.height / texts.height if texts.height else 0.0
        wanted = bounds(self.shortest, high, " characters")
        spread = "no text"
        if texts.height:
            ends = texts.select(pl.col(_LENGTH).min(), pl.col(_LENGTH).max().alias("most"))
            spread = "{:,} to {:,} characters".format(*ends.row(0))
        if share <= self.share_outside:
            sentence = f"Texts in {column.subject!r}: {spread}."
            return Verdict("lengths", column.subject, True, share, wanted, sentence)
        allowed = f" in all but {percent(self.share_outside)}" if self.share_outside else ""
        sentence = (
            f"{percent(share)} of the texts in {column.subject!r} are too short or too long "
            f"({found.height:,} of {texts.height:,}; {spread}), and {wanted} are "
            f"wanted{allowed}{column.examples(found)}."
        )
        keys = column.keys(found[ROW])
        return Verdict("lengths", column.subject, False, share, wanted, sentence, keys)


class Lengths(Gate):
    """How long the texts of some columns are."""

    columns: dict[str, LengthBounds] = Field(description="Bounds by column")

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name, wanted in self.columns.items():
            yield from in_each_configuration("lengths", version, name, wanted.check)
