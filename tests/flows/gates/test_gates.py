"""Gates as a whole: what they look at, what they say, and what a failed one does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.gates import GateFailed, Gates, Verdict, raise_if_failed, verdicts_table
from flows.pipeline import Pipeline
from llms.errors import StillhouseError
from tasks import KeepRows, LoadDataFromDicts
from tests.flows.gates.refreshes import (
    EVERYTHING,
    key_of,
    made_by,
    refreshed,
    verdict,
    verdicts,
)


def test_no_gates_check_nothing(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v1", [{"text": ""}])
    wanted = Gates()
    wanted.prepare()
    assert wanted.check(version, None) == []
    raise_if_failed([])
    assert verdicts_table([]) == ""


@pytest.mark.parametrize(
    "wanted",
    [
        {"missing": {"absent": 0}},
        {"duplicates": {"columns": ["absent"], "at_most": 0}},
        {"lengths": {"absent": {"shortest": 1}}},
        {"labels": {"absent": {"only": ["a"]}}},
        {"ratings": {"absent": {"mean_at_least": 1}}},
        {"columns": {"types": {"absent": "String"}}},
        {"language": {"columns": ["absent"], "language": "en"}},
        {"personal_data": {"columns": ["absent"], "beside_the_rows": False}},
        {"judge": {"column": "absent", "mean_at_least": 1}},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_a_column_that_does_not_exist_fails_the_gate_and_lists_the_columns(
    wanted: Any, tmp_path: Path
) -> None:
    version = refreshed(tmp_path / "v1", [{"text": "one", "rating": 1}])
    found = verdict(version, **wanted)
    assert not found.passed
    assert found.gate == next(iter(wanted))
    assert found.sentence == "There is no column 'absent'; the columns are: text, rating."


@pytest.mark.parametrize(
    "wanted",
    [
        {"lengths": {"rating": {"shortest": 1}}},
        {"labels": {"parts": {"only": ["a"]}}},
        {"ratings": {"text": {"mean_at_least": 1}}},
        {"language": {"columns": ["rating"], "language": "en"}},
        {"personal_data": {"columns": ["rating"], "beside_the_rows": False}},
        {"judge": {"column": "text", "mean_at_least": 1}},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_a_column_of_another_type_fails_the_gate(wanted: Any, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v1", [{"text": "one", "rating": 1, "parts": {"a": 1}}])
    found = verdict(version, **wanted)
    assert not found.passed
    assert "; its type is " in found.sentence


@pytest.mark.parametrize(
    "wanted",
    [
        {"rows": {"largest_drop": 0}},
        {"columns": {"unchanged": True}},
        {"drift": {"at_most": 0}},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_the_first_version_passes_what_compares_with_the_last(wanted: Any, tmp_path: Path) -> None:
    found = verdict(refreshed(tmp_path / "v1", [{"text": "one"}]), None, **wanted)
    assert found.passed
    assert found.measured is None
    assert found.sentence == "There is no earlier version."


def test_all_splits_are_checked_together(tmp_path: Path) -> None:
    rows = [{"text": f"row {number}"} for number in range(40)] + [{"text": None}]
    version = refreshed(tmp_path / "v1", rows, test_share=0.5)
    assert len(version.splits("default")) == 2
    found = verdict(version, missing={"text": 0})
    assert found.measured == 1 / 41
    assert len(found.rows) == 1


def test_a_failed_gate_raises_its_sentence(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v1", [{"text": ""}])
    found = verdicts(
        version, rows={"at_least": 2}, missing={"text": 0}, columns={"unchanged": True}
    )
    with pytest.raises(GateFailed) as error:
        raise_if_failed(found)
    failed = [item.sentence for item in found if not item.passed]
    assert len(failed) == 2
    assert str(error.value) == " ".join(failed)
    assert isinstance(error.value, StillhouseError)


def test_gates_that_pass_raise_nothing(tmp_path: Path) -> None:
    raise_if_failed(verdicts(refreshed(tmp_path / "v1", [{"text": "one"}]), rows={"at_least": 1}))


def test_verdicts_are_a_table_and_plain_json() -> None:
    good = Verdict("rows", "", True, 3, "at least 1", "The version has 3 rows.")
    bad = Verdict("labels", "a|b", False, 0.5, "only x", "Found “y|z”.", ("k1", "k2"))
    table = verdicts_table([good, bad]).splitlines()
    assert len(table) == 4
    assert table[2] == "| rows |  | at least 1 | The version has 3 rows. | passed |"
    assert "**failed**" in table[3]
    assert "a\\|b" in table[3]
    assert json.loads(json.dumps(bad.as_json())) == {
        "gate": "labels",
        "subject": "a|b",
        "passed": False,
        "measured": 0.5,
        "wanted": "only x",
        "sentence": "Found “y|z”.",
        "rows": ["k1", "k2"],
    }


def test_at_most_twenty_rows_and_three_examples_are_named(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v1", [{"text": "x" * 100, "n": n} for n in range(30)])
    found = verdict(version, lengths={"text": {"longest": 5}})
    assert len(found.rows) == 20
    assert set(found.rows) <= set(version.keyed()["_row_key"])
    assert found.sentence.count("x…”") == 3
    assert found.rows[0][:8] in found.sentence
    assert found.rows[0] not in found.sentence


def test_rows_are_named_where_no_provenance_is_kept(tmp_path: Path) -> None:
    rows = [{"text": "long enough"}, {"text": ""}]
    kept = refreshed(tmp_path / "kept", rows)
    bare = refreshed(tmp_path / "bare", rows, provenance="none")
    wanted = {"text": {"shortest": 1}}
    found = verdict(kept, lengths=wanted).rows
    assert found == (key_of(kept, 1),)
    assert verdict(bare, lengths=wanted).rows == found


def test_a_version_without_rows_is_checked_like_any_other(tmp_path: Path) -> None:
    rows = [{"generation": "x", "topic": "law", "rating": 1, "ratings": [1], "keep": False}]
    with Pipeline("numbers") as pipeline:
        load = LoadDataFromDicts(name="load", data=rows)
        load >> KeepRows(name="kept", columns=("keep",))
    version = made_by(tmp_path / "v", pipeline)
    evaluation = tmp_path / "set.jsonl"
    evaluation.write_text('{"question": "one two three four five six seven eight nine"}\n')
    wanted = yaml.safe_load(EVERYTHING)
    wanted["contamination"] = {"sets": {"short": str(evaluation)}}
    wanted["duplicates"] = {"at_most": 0, "near_at_most": 0}
    found = verdicts(version, version, **wanted)
    assert version.rows == 0
    assert {item.gate for item in found} == set(Gates.model_fields)
    assert not any(item.rows for item in found)
    passed = {item.gate for item in found} - {item.gate for item in found if not item.passed}
    assert passed == {"missing", "duplicates", "columns", "personal_data", "contamination", "drift"}
