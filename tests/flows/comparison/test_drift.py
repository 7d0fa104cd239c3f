"""Drift: what is named, and what is left to chance."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import polars as pl
import pytest

from flows.comparison.counting import distribution_of
from flows.comparison.distribution import Distribution, distance
from flows.comparison.drift import WORTH_NAMING, noise_of
from flows.comparison.measures import measures_of

Draw = Callable[[Random], Any]

DRAWS: dict[str, Draw] = {
    "lengths": lambda random: "x" * round(random.lognormvariate(5.5, 0.6)),
    "ratings": lambda random: random.choices([1, 2, 3, 4, 5], [2, 8, 20, 40, 30])[0],
    "rare flag": lambda random: random.random() < 0.1,
    "scores": lambda random: random.gauss(0, 1),
    "labels": lambda random: f"label {min(30, int(random.paretovariate(0.8)))}",
    "missing": lambda random: None if random.random() < 0.2 else random.randrange(5),
}


def measured(values: list[Any], like: Distribution | None = None) -> Distribution:
    frame = pl.DataFrame({"column": values})
    measure = measures_of(frame.schema)[0]
    found = distribution_of(measure, frame.select(measure.values).to_series(), like)
    assert found is not None
    return found


def is_named(now: list[Any], then: list[Any]) -> bool:
    before = measured(then)
    after = measured(now, before)
    noise = noise_of(after, before, len(now), len(then))
    return distance(after, before) > max(WORTH_NAMING, noise)


@pytest.mark.parametrize("sizes", [(40, 40), (300, 30), (1_000, 1_000)], ids=str)
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_two_samples_of_the_same_are_never_named(draw: Draw, sizes: tuple[int, int]) -> None:
    random = Random(7)
    samples = [[[draw(random) for _ in range(size)] for size in sizes] for _ in range(25)]
    assert not any(is_named(now, then) for now, then in samples)


@pytest.mark.parametrize(
    ("now", "then"),
    [
        pytest.param(
            lambda random: "x" * round(random.lognormvariate(6.2, 0.6)),
            DRAWS["lengths"],
            id="texts twice as long",
        ),
        pytest.param(
            lambda random: random.choices([1, 2, 3, 4, 5], [20, 30, 30, 15, 5])[0],
            DRAWS["ratings"],
            id="lower ratings",
        ),
        pytest.param(
            lambda random: random.random() < 0.4,
            DRAWS["rare flag"],
            id="a flag four times as often",
        ),
        pytest.param(
            lambda random: None if random.random() < 0.6 else random.randrange(5),
            DRAWS["missing"],
            id="more missing values",
        ),
        pytest.param(lambda random: random.gauss(1, 1), DRAWS["scores"], id="other scores"),
        pytest.param(lambda random: "new", DRAWS["labels"], id="another label"),
    ],
)
def test_a_shift_is_named(now: Draw, then: Draw) -> None:
    random = Random(3)
    assert is_named([now(random) for _ in range(200)], [then(random) for _ in range(200)])


def test_items_of_one_row_count_as_one() -> None:
    random = Random(1)

    def rows() -> list[list[int]]:
        return [[random.randrange(5)] * 8 for _ in range(60)]

    now, then = measured(rows()), measured(rows())
    assert now.values == 480
    once = noise_of(now, then, 480, 480)
    assert noise_of(now, then, 60, 60) == pytest.approx(once * 8**0.5)


def test_a_sure_but_tiny_shift_is_not_named() -> None:
    random = Random(2)
    many = [[random.random() < share for _ in range(60_000)] for share in (0.5, 0.53)]
    before, after = (measured(values) for values in many)
    assert noise_of(after, before, 60_000, 60_000) < distance(after, before) < WORTH_NAMING
    assert not is_named(many[1], many[0])
