"""The values of a column, counted in bins that do not depend on the version."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from flows.comparison.distribution import LENGTHS, Bin, Distribution, Kind, Numbers
from flows.comparison.measures import Measure, What
from tasks.column_types import inner_of

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
OTHERS = "(others)"

_MOST_LABELS = 40
_LONGEST_LABEL = 80
_ROWS_FOR_EACH_LABEL = 4
_BINS_WANTED = 40
_MOST_NUMBERS_IN_A_LIST = 16


def distribution_of(
    measure: Measure, values: pl.Series, like: Distribution | None = None
) -> Distribution | None:
    """Return the distribution of what a measure found, None for vectors."""
    if measure.each:
        if _holds_vectors(values):
            return None
        values = values.explode(empty_as_null=True)
    if measure.what == "text":
        values = values.cast(pl.String)
        labels = like.kind == "label" if like and like.values else _are_labels(values)
        if labels:
            return _of_labels(measure, values, like)
        return _of_lengths(measure, values.str.len_chars(), "characters")
    if measure.what != "value":
        return _of_lengths(measure, values, measure.what)
    if values.dtype.is_numeric():
        return _of_numbers(measure, values)
    return _of_labels(measure, values.cast(pl.String), like)


def _holds_vectors(lists: pl.Series) -> bool:
    """Tell whether most of the lists are long ones of numbers."""
    kind = lists.dtype
    long = int((lists.list.len() > _MOST_NUMBERS_IN_A_LIST).sum())
    return isinstance(kind, pl.List) and inner_of(kind).is_numeric() and 2 * long > len(lists)


def _are_labels(values: pl.Series) -> bool:
    known = values.drop_nulls()
    if known.is_empty():
        return True
    different = known.n_unique()
    if different > _MOST_LABELS or (
        different > 1 and different * _ROWS_FOR_EACH_LABEL > len(known)
    ):
        return False
    return bool((known.unique().str.len_chars() <= _LONGEST_LABEL).all())


def _of_labels(measure: Measure, values: pl.Series, like: Distribution | None) -> Distribution:
    known = values.drop_nulls()
    counted = known.value_counts(name="count").sort(["count", known.name], descending=[True, False])
    wanted = set(like.counts) if like else set()
    counts: dict[Bin, int] = {}
    for place, (label, count) in enumerate(counted.iter_rows()):
        name = label if place < _MOST_LABELS or label in wanted else OTHERS
        counts[name] = counts.get(name, 0) + count
    return Distribution(measure.column, "label", "value", counts, len(known), values.null_count())


def _of_lengths(measure: Measure, values: pl.Series, what: What) -> Distribution:
    known = values.drop_nulls()
    places = np.searchsorted(LENGTHS, known.to_numpy(), side="right") - 1
    counts: dict[Bin, int] = {
        LENGTHS[place]: count for place, count in zip(*_counted(places), strict=True)
    }
    return _measured(measure, "length", what, counts, known, values.null_count())


def _of_numbers(measure: Measure, values: pl.Series) -> Distribution:
    numbers = values.cast(pl.Float64)
    known = numbers.filter(numbers.is_finite())
    missing = len(numbers) - len(known)
    if known.is_empty():
        return _measured(measure, "number", "value", {}, known, missing)
    array: Numbers = known.to_numpy()
    lowest, low, high, highest = np.quantile(array, (0, 0.01, 0.99, 1)).tolist()
    whole = bool((np.round(array) == array).all())
    width = _width(high - low or highest - lowest or abs(highest), whole=whole)
    spread = max(high - low, width)
    kept = np.clip(array, low - spread, high + spread)
    places = np.floor(kept / width + 1e-9).astype(np.int64)
    counts: dict[Bin, int] = {
        round(place * width, 10): count for place, count in zip(*_counted(places), strict=True)
    }
    return _measured(measure, "number", "value", counts, known, missing, width, whole=whole)


def _counted(places: Any) -> tuple[list[int], list[int]]:
    different, counts = np.unique(places, return_counts=True)
    return different.tolist(), counts.tolist()


def _width(spread: float, *, whole: bool) -> float:
    """Return the narrowest of 1, 5, 10, 50, .. (or 0.5, 0.1, ..) that gives few enough bins.

    Each is a multiple of the narrower ones, so that finer bins fit into coarser ones.
    """
    powers = range(0 if whole else -9, 308)
    widths = (digit * 10.0**power for power in powers for digit in (1, 5))
    return next(width for width in widths if spread / width <= _BINS_WANTED)


def _measured(
    measure: Measure,
    kind: Kind,
    what: What,
    counts: dict[Bin, int],
    known: pl.Series,
    nulls: int,
    width: float | None = None,
    *,
    whole: bool = False,
) -> Distribution:
    shares = (0.0, *QUANTILES, 1.0)
    quantiles = None
    if len(known):
        found = np.quantile(known.to_numpy(), shares).tolist()
        quantiles = dict(zip(shares, found, strict=True))
    mean = float(known.mean()) if len(known) else None  # type: ignore[arg-type]  # a number
    return Distribution(
        measure.column, kind, what, counts, len(known), nulls, width, whole, mean, quantiles
    )
