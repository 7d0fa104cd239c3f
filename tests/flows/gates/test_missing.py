"""The gate `missing`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.flows.gates.refreshes import configured, key_of, refreshed, verdict, verdicts


@pytest.mark.parametrize(
    ("values", "share"),
    [
        (["word", "x"], 0),
        (["", "x"], 0.5),
        ([" \n\t", "x"], 0.5),
        ([None, "x"], 0.5),
        ([0.0, 1.5], 0),
        ([float("nan"), 1.5], 0.5),
        ([0, None], 0.5),
        ([False, True], 0),
        ([[], ["x"]], 0.5),
        ([[""], ["x"]], 0),
        ([{"a": None}, {"a": "x"}], 0),
    ],
    ids=repr,
)
def test_null_nan_blank_text_and_empty_lists_are_no_values(
    values: list[Any], share: float, tmp_path: Path
) -> None:
    version = refreshed(
        tmp_path / "v", [{"value": value, "n": n} for n, value in enumerate(values)]
    )
    found = verdict(version, missing={"value": 0})
    assert found.measured == share
    assert found.passed is not bool(share)


@pytest.mark.parametrize(("most", "passed"), [(0.25, True), (0.24, False)])
def test_a_share_of_rows_may_have_no_value(most: float, passed: bool, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in ("a", "", "b", "c")])
    assert verdict(version, missing={"text": most}).passed is passed


def test_the_sentence_counts_and_names_the_rows(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in ("a", "", "b", None)])
    found = verdict(version, missing={"text": 0.1})
    first, second = key_of(version, 1), key_of(version, 3)
    assert found.rows == (first, second)
    assert found.sentence == (
        f"50% of the rows have no value in 'text' (2 of 4), and at most 10% may be without "
        f"(for example {first[:8]} “”, {second[:8]} null)."
    )


def test_a_column_without_any_value_is_missing_in_all_rows(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": None, "n": n} for n in range(3)])
    assert verdict(version, missing={"text": 0.99}).measured == 1


def test_every_configuration_that_has_the_column_is_checked(tmp_path: Path) -> None:
    rows = [{"a": "x", "b": ""}, {"a": "", "b": "x"}, {"a": "x", "b": "x"}]
    version = configured(tmp_path / "v", rows, sft=("a", "b"), dpo=("b",))
    found = verdicts(version, missing={"a": 0.5, "b": 0})
    assert [(item.subject, item.passed) for item in found] == [
        ("sft.a", True),
        ("sft.b", False),
        ("dpo.b", False),
    ]
    assert found[2].rows == (key_of(version, 0, "dpo"),)


def test_a_field_of_a_struct_is_named_with_a_point(tmp_path: Path) -> None:
    rows = [{"judged": {"by": {"why": why}}, "a.b": why} for why in ("", "good")]
    version = refreshed(tmp_path / "v", rows)
    found = verdicts(version, missing={"judged.by.why": 0, "a.b": 0, "judged.to.why": 0})
    assert [item.subject for item in found] == ["judged.by.why", "a.b", "judged.to.why"]
    assert [item.measured for item in found] == [0.5, 0.5, None]
    assert found[2].sentence == "There is no column 'judged.to.why'; the columns are: judged, a.b."
