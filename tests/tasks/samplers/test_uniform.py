"""Uniform numbers: between their bounds, each as often as the others."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare, kstest  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks.samplers import Uniform
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn


def test_numbers_lie_between_the_bounds_and_are_spread_evenly() -> None:
    values = drawn(Uniform(low=-2, high=5))
    assert -2 <= min(values) <= max(values) <= 5
    assert kstest(values, "uniform", args=(-2, 7)).pvalue > SIGNIFICANCE


def test_whole_numbers_come_equally_often_the_bounds_too() -> None:
    counts = Counter(drawn(Uniform(low=1, high=6, decimals=0), 3000))
    assert sorted(counts) == [1, 2, 3, 4, 5, 6]
    assert all(type(value) is int for value in counts)
    assert chisquare(list(counts.values())).pvalue > SIGNIFICANCE


def test_decimals_are_kept_and_the_bounds_come_as_often_as_the_rest() -> None:
    counts = Counter(drawn(Uniform(low=0, high=0.4, decimals=1), 3000))
    assert sorted(counts) == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert chisquare(list(counts.values())).pvalue > SIGNIFICANCE


def test_bounds_with_more_decimals_are_never_passed() -> None:
    assert set(drawn(Uniform(low=0.05, high=0.35, decimals=1), 200)) == {0.1, 0.2, 0.3}
    assert set(drawn(Uniform(low=-1.5, high=1.5, decimals=0), 200)) == {-1, 0, 1}


def test_equal_bounds_give_one_number() -> None:
    assert set(drawn(Uniform(low=3, high=3), 10)) == {3.0}


@pytest.mark.parametrize(
    ("decimals", "kind"), [(None, pl.Float64()), (0, pl.Int64()), (2, pl.Float64())]
)
def test_the_type_is_known(decimals: int | None, kind: pl.DataType) -> None:
    assert Uniform(low=0, high=9, decimals=decimals).dtype == kind


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"low": 2, "high": 1}, "low=2 is above high=1; swap them", id="swapped"),
        pytest.param({"low": 0, "high": float("inf")}, "'high'", id="infinite"),
        pytest.param({"low": "x", "high": 1}, "'low'", id="text"),
        pytest.param({"low": 0}, "'high' is missing", id="no high"),
        pytest.param({"low": 0, "high": 1, "decimals": -1}, "'decimals'", id="decimals"),
        pytest.param(
            {"low": 0.2, "high": 0.8, "decimals": 0},
            "no number with decimals=0 between low=0.2 and high=0.8",
            id="nothing between",
        ),
        pytest.param(
            {"low": 0, "high": 1e12, "decimals": 10}, "have more digits than", id="too fine"
        ),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Uniform(**parameters)
    assert "\n" not in str(caught.value)
