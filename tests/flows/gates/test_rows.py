"""The gate `rows`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.versions.saved import SavedVersion
from tasks import Row
from tests.flows.gates.refreshes import configured, refreshed, verdict, verdicts


def numbers(count: int) -> list[Row]:
    return [{"number": number} for number in range(count)]


@pytest.fixture
def before(tmp_path: Path) -> SavedVersion:
    return refreshed(tmp_path / "before", numbers(20))


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"at_least": 10}, True),
        ({"at_least": 11}, False),
        ({"at_most": 10}, True),
        ({"at_most": 9}, False),
        ({"at_least": 10, "at_most": 10}, True),
    ],
    ids=str,
)
def test_the_rows_of_a_version_are_within_bounds(bounds: Any, passed: bool, tmp_path: Path) -> None:
    found = verdict(refreshed(tmp_path / "v", numbers(10)), rows=bounds)
    assert found.passed is passed
    assert found.measured == 10


@pytest.mark.parametrize(
    ("rows", "bounds", "passed"),
    [
        (18, {"largest_drop": 0.1}, True),
        (17, {"largest_drop": 0.1}, False),
        (19, {"largest_drop": 0}, False),
        (60, {"largest_drop": 0}, True),
        (30, {"largest_rise": 0.5}, True),
        (31, {"largest_rise": 0.5}, False),
        (60, {"largest_rise": 2}, True),
        (1, {"largest_rise": 0}, True),
    ],
    ids=str,
)
def test_only_a_share_of_the_last_version_may_come_or_go(
    rows: int, bounds: Any, passed: bool, tmp_path: Path, before: SavedVersion
) -> None:
    assert verdict(refreshed(tmp_path / "v", numbers(rows)), before, rows=bounds).passed is passed


def test_the_sentences_say_how_many_rows_there_are_and_should_be(
    tmp_path: Path, before: SavedVersion
) -> None:
    version = refreshed(tmp_path / "v", numbers(15))
    few, lost = verdicts(version, before, rows={"at_least": 1_000, "largest_drop": 0.1})
    assert few.sentence == "The version has 15 rows, and at least 1,000 are wanted."
    assert lost.sentence == (
        "The version lost 25% of its rows (20 before, 15 now), and at most 10% lost may be."
    )
    assert (few.wanted, lost.wanted) == ("at least 1,000", "at most 10% lost")
    assert lost.measured == -0.25


def test_configurations_lose_and_gain_rows_each_by_itself(tmp_path: Path) -> None:
    rows = [{"a": n, "b": n} for n in range(10)]
    before = configured(tmp_path / "v1", rows, sft=("a",), dpo=("b",))
    version = configured(tmp_path / "v2", rows, sft=("a",), kto=("b",))
    found = verdicts(version, before, rows={"largest_drop": 0.5})
    assert {item.subject: item.passed for item in found} == {
        "": True,
        "sft": True,
        "dpo": False,
        "kto": True,
    }
    assert found[2].sentence.startswith("The configuration 'dpo' lost 100% of its rows")


def test_a_configuration_may_need_rows_of_its_own(tmp_path: Path) -> None:
    rows = [{"a": n, "b": n} for n in range(10)]
    version = configured(tmp_path / "v1", rows, sft=("a",), dpo=("b",))
    enough, few, absent = verdicts(version, rows={"at_least_of": {"sft": 10, "dpo": 11, "kto": 1}})
    assert (enough.passed, few.passed, absent.passed) == (True, False, False)
    assert absent.sentence == "The configuration 'kto' has 0 rows, and at least 1 are wanted."
