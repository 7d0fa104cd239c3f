"""Gaussian numbers: around their mean, and never beyond their bounds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare, kstest, norm, truncnorm  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks.samplers import Gaussian
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn


def test_numbers_have_the_distribution_of_their_mean_and_deviation() -> None:
    values = drawn(Gaussian(mean=100, stddev=15))
    assert kstest(values, "norm", args=(100, 15)).pvalue > SIGNIFICANCE


def test_bounds_cut_the_distribution_and_nothing_piles_up_at_them() -> None:
    values = drawn(Gaussian(mean=0, stddev=1, low=-1, high=0.5))
    assert -1 <= min(values) <= max(values) <= 0.5
    assert kstest(values, truncnorm(-1, 0.5).cdf).pvalue > SIGNIFICANCE
    assert len(set(values)) == len(values)


def test_one_bound_is_enough() -> None:
    assert min(drawn(Gaussian(mean=0, stddev=1, low=0))) >= 0
    assert max(drawn(Gaussian(mean=0, stddev=1, high=0))) <= 0


def test_whole_numbers_are_the_rounded_ones() -> None:
    counts = Counter(drawn(Gaussian(mean=10, stddev=1, decimals=0), 4000))
    assert all(type(value) is int for value in counts)
    middle = (8, 9, 10, 11, 12)
    share = [norm.cdf(v + 0.5, 10, 1) - norm.cdf(v - 0.5, 10, 1) for v in middle]
    found = [counts[value] for value in middle]
    assert chisquare(found, [s / sum(share) * sum(found) for s in share]).pvalue > SIGNIFICANCE


def test_rounding_never_passes_a_bound() -> None:
    values = drawn(Gaussian(mean=0, stddev=1, low=-0.94, high=0.96, decimals=1), 3000)
    assert (min(values), max(values)) == (-0.9, 0.9)
    assert set(drawn(Gaussian(mean=5, stddev=0.1, low=5, high=5, decimals=0), 50)) == {5}


@pytest.mark.parametrize(
    ("decimals", "kind"), [(None, pl.Float64()), (0, pl.Int64()), (2, pl.Float64())]
)
def test_the_type_is_known(decimals: int | None, kind: pl.DataType) -> None:
    assert Gaussian(mean=0, stddev=9, decimals=decimals).dtype == kind


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"stddev": -1}, "'stddev': input should be greater than 0", id="negative"),
        pytest.param({"stddev": 0}, "'stddev': input should be greater than 0", id="zero"),
        pytest.param({"mean": float("nan")}, "'mean'", id="no number"),
        pytest.param({"low": 2, "high": 1}, "low=2 is above high=1; swap them", id="swapped"),
        pytest.param({"low": 50}, "fewer than one of a thousand numbers", id="far above"),
        pytest.param({"low": 50, "decimals": 0}, "fewer than one of a thousand", id="far, whole"),
        pytest.param({"low": 1, "high": 1}, "fewer than one of a thousand", id="one number"),
        pytest.param(
            {"low": 0.2, "high": 0.8, "decimals": 0}, "no number with decimals=0", id="between"
        ),
        pytest.param({"mean": 1e15, "decimals": 5}, "more digits than", id="too fine"),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Gaussian(**{"mean": 0, "stddev": 1, **parameters})
    assert "\n" not in str(caught.value)
