"""The gate `duplicates`: how many rows say what an earlier row says."""

from collections.abc import Iterator
from typing import Self

import polars as pl
from pydantic import Field, model_validator

from flows.gates.columns_of_a_version import (
    ROW,
    VALUE,
    Column,
    columns_named,
    no_such_column,
    subject_of,
)
from flows.gates.gate import Gate, Share, require_one_of
from flows.gates.verdict import Verdict, percent
from flows.runtime.row_index import hashed
from flows.versions.saved import SavedVersion
from tasks.filtering.min_hash_dedup import MinHashDedup
from tasks.outcome import StepContext
from tasks.row import KEY, PARENT


class Duplicates(Gate):
    """Which share of the rows repeats an earlier row.

    Near-duplicates are texts whose sets of words have an estimated Jaccard similarity of
    `similarity` or more, as `MinHashDedup` finds them (package rensa); rows without text are none.
    """

    columns: tuple[str, ...] = Field(
        default=(), description="Columns that are compared together; left out: all of them"
    )
    at_most: Share | None = Field(
        default=None, description="Largest share of rows that are equal to an earlier one"
    )
    near_at_most: Share | None = Field(
        default=None,
        description="Largest share of rows with nearly the same text as an earlier one",
    )
    similarity: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="From which similarity (shared words to all words) texts are near-duplicates",
    )

    @model_validator(mode="after")
    def _checks_something(self) -> Self:
        require_one_of(self, "at_most", "near_at_most")
        return self

    def prepare(self) -> None:
        if self.near_at_most is not None:
            self._step.load()

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name in self.columns:
            if not columns_named(version, name):
                yield no_such_column("duplicates", version, name)
        for configuration in version.configurations:
            schema = version.scan(configuration).collect_schema()
            wanted = self.columns or tuple(schema.names())
            columns = [
                column
                for name in wanted
                for column in columns_named(version, name)
                if column.configuration == configuration
            ]
            if len(columns) == len(wanted):
                named = ", ".join(self.columns)
                yield from self._check(columns, subject_of(version, configuration, named))

    @property
    def _step(self) -> MinHashDedup:
        return MinHashDedup(name="duplicates", threshold=self.similarity)

    def _check(self, columns: list[Column], subject: str) -> Iterator[Verdict]:
        if self.at_most is not None:
            found, what = _repeats(columns), "are equal to an earlier one"
            yield _verdict(columns[0], subject, found, self.at_most, what)
        if self.near_at_most is not None:
            found, what = self._near_repeats(columns), "have nearly the same text as an earlier one"
            yield _verdict(columns[0], subject, found, self.near_at_most, what)

    def _near_repeats(self, columns: list[Column]) -> pl.DataFrame:
        texts = _joined_texts(columns)
        number = pl.col(ROW).cast(pl.String)
        frame = texts.select(pl.col(VALUE).alias("text"), number.alias(KEY), number.alias(PARENT))
        made = self._step.apply(frame, StepContext()).frame
        again = made.filter(~pl.col("keep_row_after_minhash_filtering"))
        return again.select(pl.col(KEY).cast(pl.UInt32).alias(ROW), pl.col("text").alias(VALUE))


def _repeats(columns: list[Column]) -> pl.DataFrame:
    rows = columns[0].version.scan(columns[0].configuration)
    frame = rows.select(column.expression.alias(column.name) for column in columns).collect()
    again = pl.select(~hashed(frame).is_first_distinct()).to_series()
    numbers = again.arg_true().cast(pl.UInt32)
    shown = frame[numbers.head(3)].rows()
    first = [row[0] if len(row) == 1 else row for row in shown]
    values = pl.Series(VALUE, [str(value) for value in first], dtype=pl.String)
    return pl.concat(
        [
            pl.DataFrame({ROW: numbers.head(3), VALUE: values}),
            pl.DataFrame({ROW: numbers.slice(3)}),
        ],
        how="diagonal",
    )


def _joined_texts(columns: list[Column]) -> pl.DataFrame:
    texts = [column.texts() for column in columns if column.holds_text]
    empty = pl.DataFrame(schema={ROW: pl.UInt32, VALUE: pl.String})
    return (
        pl.concat([empty, *texts])
        .filter(pl.col(VALUE).str.contains(r"\S"))
        .group_by(ROW, maintain_order=True)
        .agg(pl.col(VALUE).str.join("\n"))
        .sort(ROW)
    )


def _verdict(first: Column, subject: str, found: pl.DataFrame, most: float, what: str) -> Verdict:
    rows = first.version.rows_of(first.configuration)
    share = found.height / rows if rows else 0.0
    wanted = f"at most {percent(most)}"
    place = f" in {subject!r}" if subject else ""
    sentence = f"{percent(share)} of the rows {what}{place} ({found.height:,} of {rows:,})"
    if share <= most:
        return Verdict("duplicates", subject, True, share, wanted, f"{sentence}.")
    sentence += f", and {wanted} may be{first.examples(found)}."
    return Verdict("duplicates", subject, False, share, wanted, sentence, first.keys(found[ROW]))
