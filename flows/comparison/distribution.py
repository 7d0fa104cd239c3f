"""`Distribution`: how the values of a column are distributed, and how far apart two of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from flows.comparison.measures import What

Kind = Literal["number", "label", "length"]
Bin = str | float
"""A label, or the lower edge of numbers."""

Numbers: TypeAlias = npt.NDArray[np.float64]

_SHORT = (0, 1, 2, 3, 4, 5, 6, 8)
_RENARD = (10, 13, 16, 20, 25, 32, 40, 50, 63, 80)
LENGTHS: list[int] = [*_SHORT, *(step * 10**power for power in range(8) for step in _RENARD)]
"""The lower edges of the bins of lengths."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How one column's values are distributed.

    `counts` are by label, or by the lower edge of bins in rising order: multiples of `width` for
    numbers (the end bins hold what lies far outside), ten bins for each power of ten for lengths.
    Where numbers are `whole` and bins 1 wide, an edge is the value itself.
    `what` says what was counted or measured. `values` counts all but the missing ones (`nulls`); an
    empty list has one missing value. `quantiles` are by share, with the smallest and largest at 0
    and 1; labels have neither these nor a mean.
    """

    column: str
    kind: Kind
    what: What
    counts: Mapping[Bin, int]
    values: int
    nulls: int
    width: float | None = None
    whole: bool = False
    mean: float | None = None
    quantiles: Mapping[float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the distribution as plain values; `counts` are pairs."""
        return {
            "column": self.column,
            "kind": self.kind,
            "what": self.what,
            "counts": [list(pair) for pair in self.counts.items()],
            "values": self.values,
            "nulls": self.nulls,
            "width": self.width,
            "whole": self.whole,
            "mean": self.mean,
            "quantiles": {str(share): value for share, value in (self.quantiles or {}).items()},
        }


def distance(now: Distribution, then: Distribution) -> float:
    """Return the Jensen-Shannon distance of two distributions, base 2: from 0 (same) to 1 (apart).

    Missing values count as a bin of their own. Two that were measured differently are 1 apart
    (measure the one `like` the other), and two of which one has no rows are 0 apart.
    """
    if now.kind != then.kind and now.values and then.values:
        return 1.0
    return float(jensen_shannon(*counts_of_both(now, then)))


def jensen_shannon(first: Numbers, second: Numbers) -> Numbers:
    """Return the distance of counts along the last axis; 0 where one side has none."""
    totals = first.sum(axis=-1, keepdims=True), second.sum(axis=-1, keepdims=True)
    p, q = first / np.maximum(totals[0], 1), second / np.maximum(totals[1], 1)
    middle = np.maximum((p + q) / 2, np.finfo(np.float64).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(its > 0, its * np.log2(its / middle), 0.0) for its in (p, q)]
    divergence = (terms[0] + terms[1]).sum(axis=-1) / 2
    some = (totals[0] * totals[1]).squeeze(-1) > 0
    distances: Numbers = np.sqrt(np.clip(divergence, 0.0, 1.0)) * some
    return distances


def aligned(now: Distribution, then: Distribution) -> list[tuple[Bin, int, int]]:
    """Return the bins of both with the counts of each; the finer one takes the wider bins."""
    width = shared_width(now, then)
    mine, others = _coarser(now, width), _coarser(then, width)
    bins = list(dict.fromkeys([*mine, *others]))
    if now.kind != "label":
        bins.sort(key=float)
    return [(bin, mine.get(bin, 0), others.get(bin, 0)) for bin in bins]


def shared_width(now: Distribution, then: Distribution) -> float:
    """Return how wide the bins are that both numbers fit into; whole ones fit into narrower ones.

    A bin of whole numbers that is 1 wide holds one value, so it need not be spread over others.
    """
    whole = [its.whole and its.width == 1 for its in (now, then)]
    widths = [its.width or 1.0 for its, fits in zip((now, then), whole, strict=True) if not fits]
    return max(widths, default=1.0)


def counts_of_both(now: Distribution, then: Distribution) -> tuple[Numbers, Numbers]:
    """Return the counts of both over the same bins; the first bin counts the missing values."""
    bins = aligned(now, then)
    first = np.array([now.nulls, *(mine for _, mine, _ in bins)], dtype=np.float64)
    second = np.array([then.nulls, *(other for _, _, other in bins)], dtype=np.float64)
    return first, second


def _coarser(distribution: Distribution, width: float) -> dict[Bin, int]:
    if distribution.kind != "number" or distribution.width in (None, width):
        return dict(distribution.counts)
    wider: dict[Bin, int] = {}
    for edge, count in distribution.counts.items():
        place = round(float(np.floor(float(edge) / width + 1e-9)) * width, 10)
        wider[place] = wider.get(place, 0) + count
    return wider
