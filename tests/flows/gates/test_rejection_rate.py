"""The gate `rejection_rate`."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows import Pipeline
from flows.versions.saved import SavedVersion
from llms import ScriptedLLM
from tasks import KeepColumns, LoadDataFromDicts
from tests.flows.gates.refreshes import Graded, made_by, verdict, verdicts


@pytest.fixture
def version(tmp_path: Path) -> SavedVersion:
    """Twenty rows, of which one is rejected."""
    llm = ScriptedLLM(rules={"bad": "none", "": "5"})
    texts = ["bad", *(f"text {number}" for number in range(19))]
    with Pipeline("grades") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"text": text} for text in texts])
        load >> Graded(name="grade", llm=llm) >> KeepColumns(name="kept", columns=("grade",))
    return made_by(tmp_path / "v", pipeline)


@pytest.mark.parametrize(("most", "passed"), [(0.05, True), (0.049, False), (0, False), (1, True)])
def test_a_share_of_the_rows_may_be_rejected(
    version: SavedVersion, most: float, passed: bool
) -> None:
    found = verdict(version, rejection_rate={"at_most": most})
    assert found.passed is passed
    assert found.measured == 0.05


def test_the_sentence_names_the_step_and_the_most_frequent_reason(version: SavedVersion) -> None:
    assert verdict(version, rejection_rate={"at_most": 0.01}).sentence == (
        "5% of the rows were rejected (1 of 20), and at most 1% may be; most often by step "
        "'grade', because: “the reply has no grade” (1 of them)."
    )


def test_a_step_may_have_a_limit_of_its_own(version: SavedVersion) -> None:
    steps = {"load": 0, "grade": 0.04, "absent": 1}
    load, grade, absent = verdicts(version, rejection_rate={"by_step": steps})
    assert load.passed
    assert not grade.passed
    assert grade.sentence.startswith("5% of the rows were rejected by step 'grade' (1 of 20)")
    assert not absent.passed
    assert absent.sentence == "There is no step 'absent'; the steps are: load, grade, kept."
