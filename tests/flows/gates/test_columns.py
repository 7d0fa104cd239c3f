"""The gate `columns`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks import Row
from tests.flows.gates.refreshes import configured, refreshed, verdict, verdicts

ROW: Row = {
    "text": "a",
    "rating": 1,
    "scores": [0.5],
    "messages": [{"role": "user", "content": "Hi"}],
}


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("text", "String"),
        ("rating", "Int64"),
        ("scores", "List(Float64)"),
        ("messages", "List(Struct({'role': String,'content': String}))"),
    ],
)
def test_a_column_has_the_type_that_is_wanted(column: str, kind: str, tmp_path: Path) -> None:
    assert verdict(refreshed(tmp_path / "v", [ROW]), columns={"types": {column: kind}}).passed


def test_the_sentence_names_both_types(tmp_path: Path) -> None:
    found = verdict(refreshed(tmp_path / "v", [ROW]), columns={"types": {"rating": "Float64"}})
    assert not found.passed
    assert found.sentence == "The column 'rating' has the type Int64, and Float64 is wanted."


def test_columns_stay_as_they_were_in_any_order(tmp_path: Path) -> None:
    before = refreshed(tmp_path / "v1", [ROW])
    version = refreshed(tmp_path / "v2", [dict(reversed(ROW.items()))])
    assert verdict(version, before, columns={"unchanged": True}).passed


def test_all_that_changed_is_named(tmp_path: Path) -> None:
    before = refreshed(tmp_path / "v1", [ROW])
    version = refreshed(tmp_path / "v2", [{"text": "a", "rating": 1.5, "scores": [0.5], "new": 1}])
    found = verdict(version, before, columns={"unchanged": True})
    assert not found.passed
    assert found.sentence == (
        "The columns are not those of the last version: 'messages' is gone; 'new' is new (Int64); "
        "'rating' was Int64 and is Float64."
    )


def test_the_columns_of_each_configuration_are_compared(tmp_path: Path) -> None:
    before = configured(tmp_path / "v1", [ROW], sft=("text",), dpo=("rating",))
    version = configured(tmp_path / "v2", [ROW], sft=("text",), dpo=("scores",))
    sft, dpo = verdicts(version, before, columns={"unchanged": True})
    assert (sft.subject, sft.passed) == ("sft", True)
    assert (dpo.subject, dpo.passed) == ("dpo", False)
    assert dpo.sentence.startswith("The columns of 'dpo' are not those of the last version")
