"""Categories: as often as their weights say, in one column."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks.samplers import Category
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn


def test_values_without_weights_are_equally_likely() -> None:
    counts = Counter(drawn(Category(values=["a", "b", "c", "d"]), 4000))
    assert chisquare([counts[value] for value in "abcd"]).pvalue > SIGNIFICANCE


def test_weights_are_relative_and_kept() -> None:
    counts = Counter(drawn(Category(values=["a", "b", "c"], weights=[5, 3, 2]), 4000))
    expected = [2000, 1200, 800]
    assert chisquare([counts[value] for value in "abc"], expected).pvalue > SIGNIFICANCE


def test_a_value_without_weight_is_never_drawn() -> None:
    sampler = Category(values=["a", "b"], weights=[1, 0])
    assert set(drawn(sampler)) == {"a"}
    assert sampler.possible == ["a"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param(["a", "b"], pl.String(), id="text"),
        pytest.param([1, 2], pl.Int64(), id="whole numbers"),
        pytest.param([1, 2.5], pl.Float64(), id="numbers"),
        pytest.param([True, False], pl.Boolean(), id="truth values"),
        pytest.param(["a", None], pl.String(), id="a null"),
        pytest.param([1, "a"], pl.String(), id="numbers beside text"),
        pytest.param([["a"], []], pl.List(pl.String()), id="lists"),
        pytest.param([{"x": 1}], pl.Struct({"x": pl.Int64()}), id="objects"),
    ],
)
def test_the_column_has_the_type_that_holds_all_values(
    values: list[Any], kind: pl.DataType
) -> None:
    assert Category(values=values).dtype == kind


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"values": []}, "'values'", id="no values"),
        pytest.param(
            {"values": ["a", "b"], "weights": [1]},
            "weights= names 1 for 2 values; name one for each",
            id="too few weights",
        ),
        pytest.param(
            {"values": ["a", "b"], "weights": [1, -1]}, "must be zero or more", id="negative"
        ),
        pytest.param(
            {"values": ["a", "b"], "weights": [0, 0]}, "not all of them zero", id="all zero"
        ),
        pytest.param(
            {"values": ["a"], "weights": [float("inf")]}, "must be zero or more", id="infinite"
        ),
        pytest.param(
            {"values": ["a"], "weights": [float("nan")]}, "must be zero or more", id="no number"
        ),
        pytest.param({"values": ["a", {"x": 1}]}, "one column cannot hold", id="misfits"),
        pytest.param({"values": ["a"], "weight": [1]}, "no parameter 'weight'", id="unknown"),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Category(**parameters)
    assert "\n" not in str(caught.value)
