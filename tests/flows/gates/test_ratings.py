"""The gates `ratings` and `judge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flows.gates.refreshes import key_of, refreshed, verdict, verdicts


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"mean_at_least": 3}, True),
        ({"mean_at_least": 3.01}, False),
        ({"mean_at_most": 3}, True),
        ({"mean_at_most": 2.99}, False),
        ({"within": [1, 5]}, True),
        ({"within": [2, 5]}, False),
        ({"within": [1, 4.9]}, False),
    ],
    ids=str,
)
def test_ratings_are_within_bounds(bounds: Any, passed: bool, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"rating": rating} for rating in (1, 3, 5, None)])
    assert verdict(version, ratings={"rating": bounds}).passed is passed


def test_the_sentences_name_the_mean_and_the_numbers_out_of_range(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"rating": rating} for rating in (1.5, 9.0, 3.0)])
    wanted = {"mean_at_most": 4, "within": [1, 5]}
    mean, outside = verdicts(version, ratings={"rating": wanted})
    assert mean.sentence == "The mean of 'rating' is 4.5 (3 values), and at most 4 is wanted."
    assert outside.rows == (key_of(version, 1),)
    assert outside.sentence == (
        f"1 of 3 values of 'rating' do not lie from 1 to 5 (for example {outside.rows[0][:8]} 9.0)."
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0], ids=str)
def test_what_is_no_number_is_out_of_range(bad: float, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"rating": 2.0}, {"rating": bad}])
    found = verdict(version, ratings={"rating": {"within": [0, 100]}})
    assert (found.passed, found.measured) == (False, 1)


def test_the_numbers_of_lists_count(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"ratings": [1, 2]}, {"ratings": [6]}, {"ratings": []}])
    wanted = {"mean_at_least": 3, "within": [1, 5]}
    mean, outside = verdicts(version, ratings={"ratings": wanted})
    assert (mean.measured, mean.passed) == (3, True)
    assert outside.rows == (key_of(version, 1),)


def test_ratings_that_are_all_missing_fail(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"rating": None, "n": n} for n in range(2)])
    assert not verdict(version, ratings={"rating": {"mean_at_least": 0}}).passed


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"mean_at_least": 3}, True),
        ({"mean_at_least": 3.1}, False),
        ({"low_below": 3, "low_at_most": 0.5}, True),
        ({"low_below": 3, "low_at_most": 0.49}, False),
        ({"low_below": 1, "low_at_most": 0.25}, True),
    ],
    ids=str,
)
def test_a_judge_is_content(bounds: Any, passed: bool, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"score": score} for score in (1, 3, 5, None)])
    assert verdict(version, judge={"column": "score", **bounds}).passed is passed


def test_a_row_without_a_score_is_a_low_one(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"score": score} for score in (4.0, None, 2.0, 5.0)])
    found = verdict(version, judge={"column": "score", "low_below": 3, "low_at_most": 0.1})
    keys = (key_of(version, 1), key_of(version, 2))
    assert found.rows == keys
    assert found.sentence == (
        f"50% of the scores in 'score' are below 3 or missing (2 of 4), and at most 10% may be "
        f"(for example {keys[0][:8]} no score, {keys[1][:8]} 2.0)."
    )
