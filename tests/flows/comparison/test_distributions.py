"""Distributions: what is measured of a column, in which bins, and how far apart two are."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from scipy.spatial.distance import (  # type: ignore[import-untyped]  # it has no types
    jensenshannon,
)

from flows.comparison.counting import distribution_of
from flows.comparison.distribution import aligned, counts_of_both
from flows.comparison.distributions import Distribution, distance, distributions
from flows.comparison.measures import measures_of
from flows.versions.saved import SavedVersion
from tests.flows.versions import saved, version_of


def version(folder: Path, rows: list[dict[str, Any]]) -> SavedVersion:
    return saved(folder, version_of(rows))


def of(
    values: list[Any], like: Distribution | None = None, dtype: Any = None
) -> Distribution | None:
    frame = pl.DataFrame({"column": pl.Series(values, dtype=dtype)})
    measure = measures_of(frame.schema)[0]
    return distribution_of(measure, frame.select(measure.values).to_series(), like)


def known(values: list[Any], like: Distribution | None = None) -> Distribution:
    found = of(values, like)
    assert found is not None
    return found


def test_each_column_is_measured_by_what_it_holds(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "cde"}]
    row = {
        "rating": 4,
        "score": 0.25,
        "right": True,
        "model": "small",
        "text": "x" * 100,
        "messages": turns,
        "ratings": [1, 5],
        "answers": ["a" * 90, "b" * 95],
        "judged": {"by": "someone", "vector": [0.5] * 40},
    }
    found = distributions(version(tmp_path / "v", [row] * 8), "default")
    assert {name: (its.kind, its.what) for name, its in found.items()} == {
        "rating": ("number", "value"),
        "score": ("number", "value"),
        "right": ("label", "value"),
        "model": ("label", "value"),
        "text": ("length", "characters"),
        "messages": ("length", "characters"),
        "messages turns": ("length", "turns"),
        "ratings": ("number", "value"),
        "ratings items": ("length", "items"),
        "answers": ("length", "characters"),
        "answers items": ("length", "items"),
        "judged.by": ("label", "value"),
        "judged.vector items": ("length", "items"),
    }
    assert found["messages"].mean == 5
    assert found["messages turns"].counts == {2: 8}
    assert found["answers"].values == 16


def test_a_whole_number_has_a_bin_of_its_own() -> None:
    found = known([1, 2, 2, 5, None])
    assert found.counts == {1.0: 1, 2.0: 2, 5.0: 1}
    assert (found.values, found.nulls, found.mean) == (4, 1, 2.5)
    assert found.quantiles is not None
    assert (found.quantiles[0.0], found.quantiles[0.5], found.quantiles[1.0]) == (1, 2, 5)


@pytest.mark.parametrize(
    ("length", "edge"), [(0, 0), (7, 6), (9, 8), (99, 80), (100, 100), (130, 130), (9_999, 8_000)]
)
def test_a_length_is_in_the_same_bin_in_every_version(length: int, edge: int) -> None:
    assert known(["x" * length, "y" * 90], known(["a" * 200, "b" * 90])).counts.get(edge)


def test_a_text_is_a_label_where_few_short_ones_repeat() -> None:
    assert known(["yes", "no", "no", "yes"] * 2).counts == {"no": 4, "yes": 4}
    assert known([f"text {number}" for number in range(50)]).kind == "length"
    assert known(["x" * 200] * 50).kind == "length"


def test_a_column_is_measured_like_that_of_the_other_version() -> None:
    before = known(["yes", "no"] * 20)
    few = known(["yes", "no", "maybe"], before)
    assert few.kind == "label"
    assert few.counts == {"maybe": 1, "no": 1, "yes": 1}
    assert distance(few, before) < distance(known(["maybe"] * 3, before), before) == 1


def test_labels_beyond_forty_are_counted_together_unless_the_other_version_has_them() -> None:
    many = [f"label {number % 60:02}" for number in range(600)]
    found = known(many, known(["label 59"] * 8))
    assert found.counts["(others)"] == 190
    assert found.counts["label 59"] == 10


def test_nan_and_infinity_count_as_missing() -> None:
    found = known([1.0, float("nan"), float("inf"), None])
    assert (found.values, found.nulls) == (1, 3)


def test_vectors_have_no_distribution() -> None:
    assert of([[0.1] * 64] * 3) is None


def test_an_empty_column_has_one_without_values() -> None:
    found = of([None, None], dtype=pl.Float64)
    assert found is not None
    assert (found.values, found.nulls, found.counts, found.mean) == (0, 2, {}, None)


def test_a_bin_far_outside_holds_all_that_is_beyond() -> None:
    found = known([float(n % 10) / 10 for n in range(1_000)] + [1e9])
    assert len(found.counts) < 60
    assert sum(found.counts.values()) == 1_001


def test_the_distance_is_that_of_jensen_and_shannon() -> None:
    random = Random(0)
    now = known([random.gauss(0, 1) for _ in range(500)])
    then = known([random.gauss(0.5, 2) for _ in range(300)])
    expected = jensenshannon(*counts_of_both(now, then), base=2)
    assert distance(now, then) == pytest.approx(expected)
    assert distance(now, then) == pytest.approx(distance(then, now))


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        pytest.param([1, 2, 3], [1, 2, 3], 0, id="equal"),
        pytest.param([1, 1], [5, 5], 1, id="nothing in common"),
        pytest.param([1, 2, None, None], [1, 2], 0.558, id="missing values count"),
        pytest.param([], [1, 2], 0, id="no rows"),
        pytest.param([2.0, 3.0] * 9, [2.5, 3.0] * 9, 0.707, id="halves where there were wholes"),
        pytest.param(["a", "a"], [1, 2], 1, id="another kind"),
    ],
)
def test_distances_that_are_known(now: list[Any], then: list[Any], expected: float) -> None:
    assert distance(known(now), known(then)) == pytest.approx(expected, abs=0.001)


def test_finer_bins_fit_into_the_wider_ones_of_the_other_version() -> None:
    narrow, wide = (known([number * step for number in range(100)]) for step in (0.1, 10.0))
    assert narrow.width is not None
    assert wide.width is not None
    assert narrow.width < wide.width
    bins = aligned(narrow, wide)
    assert sum(now for _, now, _ in bins) == 100
    assert bins[0][1] == 100


def test_an_unknown_configuration_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="no configuration 'other'"):
        distributions(version(tmp_path / "v", [{"a": 1}]), "other")
