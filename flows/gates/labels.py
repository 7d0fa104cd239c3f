"""The gate `labels`: which labels there are, and how often."""

from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration, unfit
from flows.gates.examples import excerpt, frequencies
from flows.gates.gate import Gate, Share, require_one_of, require_order
from flows.gates.verdict import Verdict, outside, percent
from flows.versions.saved import SavedVersion
from llms.config import Config

_MOST_NAMED = 5


class ShareBounds(Config):
    """How frequent a label may be, as a share of all labels of the column."""

    at_least: Share | None = Field(default=None, description="Smallest share of the label")
    at_most: Share | None = Field(default=None, description="Largest share of the label")

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "at_least", "at_most")
        require_order(self, "at_least", "at_most")
        return self

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        pairs = (("at least", self.at_least), ("at most", self.at_most))
        return " and ".join(f"{word} {percent(v)}" for word, v in pairs if v is not None)


class LabelBounds(Config):
    """Which labels a column may hold, and how frequent they are.

    Labels are texts, numbers or truth values ("true", "false"); each one of a list counts.
    """

    shares: dict[str, ShareBounds] = Field(
        default_factory=dict, description="Smallest and largest share, by label"
    )
    only: tuple[str, ...] = Field(default=(), description="The labels that are allowed")

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "shares", "only")
        return self

    def check(self, column: Column) -> Iterator[Verdict]:
        """Yield what is found in a column."""
        if column.kind.is_nested() and not column.is_list:
            yield unfit("labels", column, "labels")
            return
        labels = column.items().with_columns(pl.col(VALUE).cast(pl.String))
        for label, wanted in self.shares.items():
            count = int((labels[VALUE] == label).sum())
            share = count / labels.height if labels.height else 0.0
            failed = outside(share, wanted.at_least, wanted.at_most)
            sentence = (
                f"{percent(share)} of the labels in {column.subject!r} are {excerpt(label)} "
                f"({count:,} of {labels.height:,})"
            )
            sentence += f", and {wanted.wanted} are wanted." if failed else "."
            said = f"{excerpt(label)} {wanted.wanted}"
            yield Verdict("labels", column.subject, not failed, share, said, sentence)
        if self.only:
            yield self._others(column, labels)

    def _others(self, column: Column, labels: pl.DataFrame) -> Verdict:
        found = labels.filter(~pl.col(VALUE).is_in(self.only))
        wanted = f"only {', '.join(self.only)}"
        if found.is_empty():
            sentence = f"The column {column.subject!r} has no other labels than allowed."
            return Verdict("labels", column.subject, True, 0, wanted, sentence)
        counted = frequencies(found[VALUE])
        first = counted[:_MOST_NAMED]
        named = ", ".join(f"{excerpt(label)} ({count:,})" for label, count in first)
        more = f" and {len(counted) - len(first):,} more" if len(counted) > len(first) else ""
        sentence = (
            f"The column {column.subject!r} has labels that are not allowed: {named}{more}"
            f"{column.examples(found)}."
        )
        keys = column.keys(found[ROW])
        return Verdict("labels", column.subject, False, found.height, wanted, sentence, keys)


class Labels(Gate):
    """Which labels some columns hold."""

    columns: dict[str, LabelBounds] = Field(description="Labels by column")

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name, wanted in self.columns.items():
            yield from in_each_configuration("labels", version, name, wanted.check)
