"""How far each column's distribution moved, against what chance alone would do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from flows.comparison.counting import distribution_of
from flows.comparison.distribution import (
    Distribution,
    counts_of_both,
    distance,
    jensen_shannon,
)
from flows.comparison.distributions import distributions
from flows.comparison.measures import measures_of
from flows.comparison.pairing import Pairing
from flows.versions.saved import SavedVersion

WORTH_NAMING = 0.1
"""A smaller distance is not named, however sure it is."""

_SHUFFLES = 500
_DEVIATIONS = 6


@dataclass(frozen=True, slots=True)
class Shift:
    """How far some rows are from those of the earlier version: their distribution and `distance`.

    `noise` is how far apart two samples of these sizes may be by chance: the mean and six standard
    deviations over 500 random divisions of both together.
    """

    now: Distribution
    distance: float
    noise: float

    @property
    def named(self) -> bool:
        """Whether it is more than chance and large enough to matter."""
        return self.distance > max(WORTH_NAMING, self.noise)

    def as_json(self) -> dict[str, Any]:
        """Return the shift as plain values."""
        return {
            "now": self.now.as_json(),
            "distance": round(self.distance, 4),
            "noise": round(self.noise, 4),
            "named": self.named,
        }


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """A column's distributions: of all rows now, of those that are new or changed, and before.

    `all` and `fresh` are None where there is nothing to hold them against; `fresh` also where all
    rows are new or changed.
    """

    name: str
    now: Distribution
    then: Distribution | None = None
    all: Shift | None = None
    fresh: Shift | None = None

    @property
    def distance(self) -> float:
        """The distance of all rows from those before; 0 where there were none."""
        return self.all.distance if self.all else 0.0

    @property
    def named(self) -> bool:
        """Whether there is anything to say of the column."""
        return any(shift.named for shift in (self.all, self.fresh) if shift)

    def as_json(self) -> dict[str, Any]:
        """Return the drift as plain values."""
        return {
            "name": self.name,
            "now": self.now.as_json(),
            "before": self.then.as_json() if self.then else None,
            "distance": round(self.all.distance, 4) if self.all else None,
            "noise": round(self.all.noise, 4) if self.all else None,
            "named": self.named,
            "new_or_changed": self.fresh.as_json() if self.fresh else None,
        }


def column_drift(
    version: SavedVersion, before: SavedVersion | None, configuration: str, pairing: Pairing
) -> list[ColumnDrift]:
    """Return the drift of each column of a configuration, the largest distance first."""
    found = _drifts(version, before, configuration, pairing)
    return sorted(found, key=lambda drift: -drift.distance)


def noise_of(now: Distribution, then: Distribution, rows: int, rows_before: int) -> float:
    """Return how far apart two distributions may be by chance (see `Shift`).

    Several values of one row are not independent: they count as one.
    """
    first, second = counts_of_both(now, then)
    both = (first + second).astype(np.int64)
    if not first.sum() or not second.sum():
        return 0.0
    draw = np.random.default_rng(0).multivariate_hypergeometric
    drawn = draw(both, int(first.sum()), size=_SHUFFLES, method="marginals")
    distances = jensen_shannon(drawn.astype(np.float64), (both - drawn).astype(np.float64))
    values = max(first.sum() / max(rows, 1), second.sum() / max(rows_before, 1), 1.0)
    return float((distances.mean() + _DEVIATIONS * distances.std()) * np.sqrt(values))


def _drifts(
    version: SavedVersion, before: SavedVersion | None, configuration: str, pairing: Pairing
) -> Iterator[ColumnDrift]:
    rows = version.scan(configuration)
    fresh = pairing.fresh
    some = int(fresh.sum())
    earlier = _measured(before, configuration) if before else {}
    for measure in measures_of(rows.collect_schema()):
        then = earlier.get(measure.name)
        values = rows.select(measure.values.alias("values")).collect()["values"]
        now = distribution_of(measure, values, then)
        if now is None:
            continue
        if then is None or not pairing.rows_before:
            yield ColumnDrift(measure.name, now, then)
            continue
        its = (
            distribution_of(measure, values.filter(fresh), then) if 0 < some < len(fresh) else None
        )
        yield ColumnDrift(
            measure.name,
            now,
            then,
            _shift(now, then, pairing.rows, pairing.rows_before),
            _shift(its, then, some, pairing.rows_before) if its else None,
        )


def _measured(version: SavedVersion, configuration: str) -> dict[str, Distribution]:
    there = configuration in version.configurations
    return distributions(version, configuration) if there else {}


def _shift(now: Distribution, then: Distribution, rows: int, rows_before: int) -> Shift:
    return Shift(now, distance(now, then), noise_of(now, then, rows, rows_before))
