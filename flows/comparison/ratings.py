"""How the ratings and scores of rows that both versions have moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from flows.comparison.distribution import Numbers
from flows.comparison.measures import Measure, measures_of
from flows.comparison.pairing import NOW, THEN, Pairing
from flows.versions.saved import SavedVersion

_DEVIATIONS = 5
_WORTH_NAMING = 0.1


@dataclass(frozen=True, slots=True)
class RatingDelta:
    """A number that rows of both versions have: its mean before and now, how many rose and fell.

    `rows` counts the rows that have it in both; of a list of numbers it is the mean. `named` is
    true where the mean moved by more than a tenth of the numbers' spread and more than five
    standard errors.
    """

    column: str
    rows: int
    before: float
    now: float
    risen: int
    fallen: int
    named: bool


def rating_deltas(
    version: SavedVersion, before: SavedVersion | None, configuration: str, pairing: Pairing
) -> list[RatingDelta]:
    """Return the deltas of a configuration's numbers."""
    both = pairing.both
    if before is None or not both.height:
        return []
    return list(_deltas(version, before, configuration, both))


def _deltas(
    version: SavedVersion, before: SavedVersion, configuration: str, both: pl.DataFrame
) -> Iterator[RatingDelta]:
    mine, others = (its.scan(configuration) for its in (version, before))
    schema, schema_before = mine.collect_schema(), others.collect_schema()
    known = {measure.name: measure for measure in measures_of(schema_before)}
    for measure in measures_of(schema):
        earlier = known.get(measure.name)
        if earlier is None or measure.what != "value" or earlier.what != "value":
            continue
        now, then = _numbers(mine, measure), _numbers(others, earlier)
        if now is None or then is None:
            continue
        pairs = pl.DataFrame({"now": now[both[NOW]], "then": then[both[THEN]]})
        pairs = pairs.filter(pl.all_horizontal(pl.all().is_finite()))
        if pairs.height:
            yield _delta(measure.name, pairs["now"].to_numpy(), pairs["then"].to_numpy())


def _numbers(rows: pl.LazyFrame, measure: Measure) -> pl.Series | None:
    values = measure.values.list.mean() if measure.each else measure.values
    found = rows.select(values.alias("values")).collect()["values"]
    return found.cast(pl.Float64) if found.dtype.is_numeric() else None


def _delta(column: str, now: Numbers, then: Numbers) -> RatingDelta:
    moved = now - then
    mean = float(moved.mean())
    error = float(moved.std()) / np.sqrt(len(moved))
    spread = float(then.std()) or float(now.std())
    return RatingDelta(
        column=column,
        rows=len(moved),
        before=float(then.mean()),
        now=float(now.mean()),
        risen=int((moved > 0).sum()),
        fallen=int((moved < 0).sum()),
        named=bool(abs(mean) > max(_WORTH_NAMING * spread, _DEVIATIONS * error)),
    )
