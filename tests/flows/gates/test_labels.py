"""The gate `labels`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flows.gates.refreshes import key_of, refreshed, verdict


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"at_least": 0.5}, True),
        ({"at_least": 0.51}, False),
        ({"at_most": 0.5}, True),
        ({"at_most": 0.49}, False),
    ],
    ids=str,
)
def test_a_label_has_its_share(bounds: Any, passed: bool, tmp_path: Path) -> None:
    labels = ["law", "law", "art", "music", None]
    version = refreshed(tmp_path / "v", [{"topic": label} for label in labels])
    found = verdict(version, labels={"topic": {"shares": {"law": bounds}}})
    assert found.passed is passed
    assert found.measured == 0.5


def test_the_sentence_says_how_frequent_a_label_is(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"topic": label} for label in ("law", "art", "art")])
    wanted = {"law": {"at_least": 0.5, "at_most": 0.6}}
    assert verdict(version, labels={"topic": {"shares": wanted}}).sentence == (
        "33.3% of the labels in 'topic' are “law” (1 of 3), and at least 50% and at most 60% are "
        "wanted."
    )


def test_a_label_that_is_not_there_has_no_share(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"topic": "law"}])
    found = verdict(version, labels={"topic": {"shares": {"art": {"at_least": 0.01}}}})
    assert (found.passed, found.measured) == (False, 0)


def test_labels_that_are_not_allowed_are_named(tmp_path: Path) -> None:
    labels = ["law", "Law", "art", "Law", "lw", None]
    version = refreshed(tmp_path / "v", [{"topic": label} for label in labels])
    found = verdict(version, labels={"topic": {"only": ["law", "art"]}})
    assert (found.passed, found.measured) == (False, 3)
    assert found.rows == tuple(key_of(version, row) for row in (1, 3, 4))
    assert found.sentence.startswith(
        "The column 'topic' has labels that are not allowed: “Law” (2), “lw” (1) (for example "
    )
    assert verdict(version, labels={"topic": {"only": ["law", "art", "Law", "lw"]}}).passed


@pytest.mark.parametrize(
    ("values", "label"),
    [([True, False], "true"), ([1, 2], "1"), ([["a", "b"], ["c", "d"]], "a")],
    ids=["truth values", "numbers", "lists"],
)
def test_truth_values_numbers_and_items_of_lists_are_labels(
    values: list[Any], label: str, tmp_path: Path
) -> None:
    version = refreshed(tmp_path / "v", [{"topic": value} for value in values])
    found = verdict(version, labels={"topic": {"shares": {label: {"at_least": 0.25}}}})
    assert found.passed
    assert found.measured == (0.25 if isinstance(values[0], list) else 0.5)
