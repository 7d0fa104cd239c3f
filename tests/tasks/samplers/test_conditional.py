"""Conditional values: what another column says decides how they are drawn."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks.samplers import Category, Conditional, Uniform
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn, reason_of


def test_each_value_has_a_sampler_of_its_own() -> None:
    sampler = Conditional(
        on="field",
        cases={"law": Category(values=["wills", "leases"], weights=[3, 1]), "art": ["oil"]},
    )
    counts = Counter(drawn(sampler, row={"field": "law"}))
    assert chisquare([counts["wills"], counts["leases"]], [1500, 500]).pvalue > SIGNIFICANCE
    assert set(drawn(sampler, 10, {"field": "art"})) == {"oil"}


@pytest.mark.parametrize("value", ["music", None, 3], ids=["other", "null", "number"])
def test_the_default_serves_all_other_values(value: Any) -> None:
    sampler = Conditional(on="field", cases={"law": ["wills"]}, default=["nothing"])
    assert set(drawn(sampler, 5, {"field": value})) == {"nothing"}


def test_a_value_without_a_case_is_a_rejection_that_names_it() -> None:
    sampler = Conditional(on="field", cases={"law": ["wills"]})
    assert reason_of(sampler, {"field": "art"}) == "there is no case for 'art' in 'field'"
    assert reason_of(sampler, {"field": None}) == "there is no case for None in 'field'"


@pytest.mark.parametrize(
    ("case", "value"),
    [
        pytest.param(3, 3, id="number"),
        pytest.param("3", 3, id="number written as text"),
        pytest.param(3, 3.0, id="whole number in a column of floats"),
        pytest.param(True, True, id="truth value"),
        pytest.param("true", True, id="truth value written as text"),
        pytest.param(None, None, id="null"),
        pytest.param(2.5, 2.5, id="fraction"),
    ],
)
def test_cases_may_be_numbers_and_truth_values(case: Any, value: Any) -> None:
    sampler = Conditional.model_validate({"on": "level", "cases": {case: ["yes"]}})
    assert set(drawn(sampler, 5, {"level": value})) == {"yes"}


def test_a_case_may_depend_on_another_column_again() -> None:
    inner = Conditional(on="level", cases={"easy": [1], "hard": [9]})
    sampler = Conditional(on="field", cases={"maths": inner}, default=[5])
    assert sampler.reads == {"field", "level"}
    assert set(drawn(sampler, 5, {"field": "maths", "level": "hard"})) == {9}


def test_the_column_has_the_type_that_holds_what_all_cases_draw() -> None:
    numbers = Conditional(on="a", cases={"x": [1]}, default=Uniform(low=0, high=1))
    assert numbers.dtype == pl.Float64()
    assert numbers.possible is None
    words = Conditional(on="a", cases={"x": ["p", "q"]}, default=["r"])
    assert (words.dtype, words.possible) == (pl.String(), ["p", "q", "r"])


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"cases": {}}, "'cases'", id="no cases"),
        pytest.param({"on": ""}, "'on'", id="no column"),
        pytest.param(
            {"cases": {"x": ["a"], "y": [{"b": 1}]}}, "one column cannot hold", id="misfits"
        ),
        pytest.param({"cases": {"x": "a"}}, "A sampler is a list of values or has", id="bare text"),
        pytest.param({"cases": {"x": {"kind": "unifrom"}}}, "one of the kinds", id="unknown kind"),
        pytest.param(
            {"cases": {"x": {"kind": "uniform", "low": 2, "high": 1}}}, "low=2 is above", id="inner"
        ),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Conditional(**{"on": "a", "cases": {"x": ["b"]}, **parameters})
    assert "\n" not in str(caught.value)
