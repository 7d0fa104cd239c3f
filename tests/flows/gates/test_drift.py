"""The gate `drift`."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.comparison.distributions import distance, distributions
from flows.versions.saved import SavedVersion
from tasks import Row
from tests.flows.gates.refreshes import configured, refreshed, verdict, verdicts


def rated(*ratings: int) -> list[Row]:
    return [
        {"rating": rating, "text": "x" * (10 + n % 3), "n": "same"}
        for n, rating in enumerate(ratings * 20)
    ]


@pytest.fixture
def before(tmp_path: Path) -> SavedVersion:
    return refreshed(tmp_path / "before", rated(1, 2, 3, 4, 5))


def test_the_same_values_have_not_moved(tmp_path: Path, before: SavedVersion) -> None:
    found = verdicts(refreshed(tmp_path / "v", rated(5, 4, 3, 2, 1)), before, drift={"at_most": 0})
    assert {item.subject: item.measured for item in found} == {"rating": 0, "text": 0, "n": 0}
    assert all(item.passed for item in found)


def test_a_column_may_move_so_far(tmp_path: Path, before: SavedVersion) -> None:
    version = refreshed(tmp_path / "v", rated(4, 4, 5, 5, 5))
    then = distributions(before, "default")
    moved = distance(distributions(version, "default", like=then)["rating"], then["rating"])
    assert 0.3 < moved < 1
    assert verdict(version, before, drift={"columns": {"rating": moved}}).passed
    found = verdict(version, before, drift={"columns": {"rating": moved - 1e-9}})
    assert not found.passed
    assert found.measured == moved
    assert found.sentence == (
        f"'rating' has moved by {moved:.4g} (Jensen-Shannon distance to the last version, 0 to 1; "
        f"the mean was 3 and is 4.6), and at most {moved:.4g} is allowed."
    )


def test_a_named_column_has_a_limit_of_its_own(tmp_path: Path, before: SavedVersion) -> None:
    version = refreshed(tmp_path / "v", rated(4, 4, 5, 5, 5))
    found = verdicts(version, before, drift={"at_most": 0, "columns": {"rating": 1}})
    assert {item.subject: item.passed for item in found} == {
        "rating": True,
        "text": True,
        "n": True,
    }


def test_a_column_that_cannot_be_compared_fails(tmp_path: Path, before: SavedVersion) -> None:
    found = verdict(refreshed(tmp_path / "v", rated(1)), before, drift={"columns": {"absent": 0.1}})
    assert not found.passed
    assert found.sentence == (
        "There is no distribution of 'absent' to compare; there are those of: rating, text, n."
    )


def test_configurations_are_compared_with_their_own_past(tmp_path: Path) -> None:
    before = configured(tmp_path / "v1", rated(1, 2), sft=("rating",), dpo=("text",))
    version = configured(tmp_path / "v2", rated(4, 5), sft=("rating",), kto=("text",))
    found = verdict(version, before, drift={"at_most": 0.5})
    assert (found.subject, found.measured) == ("sft.rating", 1)
