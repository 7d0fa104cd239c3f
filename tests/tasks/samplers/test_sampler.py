"""Samplers as plain values, there and back; and what decides a signature."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from llms.errors import ConfigurationError
from tasks.samplers import Category, Conditional, Date, Gaussian, Person, Sampler, Uniform
from tasks.samplers.sampler import as_sampler

SAMPLERS: list[Sampler] = [
    Category(values=["a", "b"], weights=[1, 2]),
    Category(values=[True, None]),
    Conditional(on="x", cases={"a": ["p"], "b": Uniform(low=0, high=1)}, default=["q"]),
    Date(start="2026-01-01", end="2026-12-31", unit="hour"),
    Gaussian(mean=0, stddev=1, low=-1),
    Person(locale="de_DE", age_range=(20, 30)),
    Uniform(low=0, high=1, decimals=2),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.kind)
def test_a_sampler_comes_back_from_its_plain_values(sampler: Sampler) -> None:
    described = yaml.safe_load(yaml.safe_dump(json.loads(json.dumps(sampler.describe()))))
    assert described["kind"] == sampler.kind
    back = as_sampler(described)
    assert back == sampler
    assert back.describe() == sampler.describe()
    assert back.content == sampler.content


def test_the_kind_and_every_parameter_are_content() -> None:
    assert [sampler.content["kind"] for sampler in SAMPLERS] == [s.kind for s in SAMPLERS]
    assert len({json.dumps(sampler.content, default=str) for sampler in SAMPLERS}) == len(SAMPLERS)
    assert Uniform(low=0, high=1).content != Uniform(low=0, high=1, decimals=0).content


def test_a_list_means_equally_likely_values() -> None:
    assert as_sampler(["a", "b"]) == Category(values=["a", "b"])


@pytest.mark.parametrize(
    "value",
    ["a", 3, None, {}, {"kind": "normal"}, {"low": 0, "high": 1}],
    ids=["text", "number", "null", "empty", "unknown kind", "no kind"],
)
def test_what_is_no_sampler_is_one_sentence_that_lists_the_kinds(value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_sampler(value)
    said = str(caught.value)
    assert said.startswith("A sampler is a list of values or has one of the kinds category, ")
    assert "\n" not in said


def test_a_parameter_of_another_kind_is_named() -> None:
    with pytest.raises(ConfigurationError, match="Uniform has no parameter 'mean'"):
        as_sampler({"kind": "uniform", "low": 0, "high": 1, "mean": 0})
