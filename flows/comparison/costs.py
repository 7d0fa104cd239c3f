"""What the answers behind two versions cost, and what the rows that are new did."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from flows.versions.saved import SavedVersion
from tasks.outcome import Accounts

_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Cost:
    """Model answers: requests, tokens, and US dollars with the requests of unknown price.

    These are what the answers cost when they were bought, by this run or an earlier one.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0


@dataclass(frozen=True, slots=True)
class StepCost:
    """The cost of a step now and before; None where it was not there or asks no model."""

    step: str
    now: Cost | None
    before: Cost | None


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of both versions, of each step that asks a model, and of the answers that are new.

    `new` counts the answers behind rows and rejections that no row or rejection of the earlier
    version has; None where versions keep no provenance.
    """

    now: Cost
    before: Cost | None
    steps: tuple[StepCost, ...]
    new: Cost | None


def costs(version: SavedVersion, before: SavedVersion | None) -> Costs:
    """Add up what the answers behind a version cost, beside the one before it."""
    mine, others = version.accounts, before.accounts if before else {}
    steps = [
        StepCost(step, _asked(mine.get(step)), _asked(others.get(step)))
        for step in dict.fromkeys([*mine, *others])
    ]
    return Costs(
        _cost(version.books),
        _cost(before.books) if before else None,
        tuple(its for its in steps if its.now or its.before),
        _new(version, before),
    )


def _asked(books: Accounts | None) -> Cost | None:
    return _cost(books) if books and books.requests else None


def _cost(books: Accounts) -> Cost:
    return Cost(
        books.requests,
        books.input_tokens,
        books.output_tokens,
        round(books.cost_usd, _DECIMALS),
        books.unpriced,
    )


def _new(version: SavedVersion, before: SavedVersion | None) -> Cost | None:
    records = version.provenance()
    earlier = before.provenance() if before else None
    if records is None or (before and earlier is None):
        return None
    answers = _answers(records)
    if earlier is not None:
        known = _answers(earlier).select("key")
        answers = answers.join(known, on="key", how="anti")
    totals = answers.select(
        pl.len().alias("requests"),
        pl.col("input_tokens").sum(),
        pl.col("output_tokens").sum(),
        pl.col("cost_usd").sum().alias("usd"),
        pl.col("cost_usd").null_count().alias("unpriced"),
    )
    found = totals.collect(engine="streaming").to_dicts()[0]
    return Cost(**{**found, "usd": round(found["usd"], _DECIMALS)})


def _answers(records: pl.LazyFrame) -> pl.LazyFrame:
    """Return the different answers behind all records."""
    answer = pl.col("answers").struct
    exploded = records.select(pl.col("answers").explode()).filter(answer.field("key").is_not_null())
    names = ("key", "input_tokens", "output_tokens", "cost_usd")
    return exploded.select(answer.field(name) for name in names).unique("key")
