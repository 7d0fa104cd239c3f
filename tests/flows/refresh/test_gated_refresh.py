"""A version that fails its gates never becomes the latest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient

from flows.command.publish import publish_version
from flows.gates import GateFailed, Gates
from flows.gates.rows import Rows
from flows.publishing.folder import version_in
from flows.refresh.report import REPORT
from flows.versions.saved import SavedVersion
from llms.home import home
from tests.flows.refresh.conftest import REPO, Refresh, instructions
from tests.hub import FakeHub

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

GOOD = instructions(*range(20))
EVALUATION = "What is the tallest mountain that stands on an island in the western Pacific Ocean?"

BAD: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "too-few-rows": (GOOD[:9], {"rows": {"largest_drop": 0.5}}, "lost 55% of its rows"),
    "empty-rows": (
        [*GOOD, {"id": 99, "instruction": " "}],
        {"rejection_rate": {"at_most": 0.0}},
        "reject",
    ),
    "duplicates": (
        [*GOOD, {"id": 98, "instruction": "Say 0001."}],
        {"duplicates": {"columns": ["instruction"], "at_most": 0.0}},
        "equal to an earlier one",
    ),
    "personal-data": (
        [*GOOD, {"id": 97, "instruction": "Write to jane.roe@harbour-lane.org today."}],
        {"personal_data": {"columns": ["instruction"]}},
        "personal data",
    ),
    "evaluation-items": (
        [*GOOD, {"id": 96, "instruction": EVALUATION}],
        {"contamination": {"columns": ["instruction"], "sets": {"quiz": "SET"}}},
        "quiz",
    ),
    "a-shifted-rating": (
        [{**row, "id": row["id"] + 500} for row in GOOD],
        {"ratings": {"id": {"mean_at_most": 100}}},
        "'id'",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_data_is_named_and_does_not_become_the_latest(
    refresh: Refresh, hub: FakeHub, tmp_path: Path, fault: str
) -> None:
    rows, gates, said = BAD[fault]
    if fault == "evaluation-items":
        file = tmp_path / "quiz.jsonl"
        file.write_text(f'{{"question": "{EVALUATION}"}}\n')
        gates = {"contamination": {**gates["contamination"], "sets": {"quiz": str(file)}}}
    refresh(GOOD, repo=REPO)
    latest = hub.repositories[REPO].head
    with pytest.raises(GateFailed, match=said):
        refresh(rows, repo=REPO, gates=Gates(**gates))
    assert hub.repositories[REPO].head == latest
    kept = version_in(tmp_path / "dataset")
    assert kept is not None
    assert (kept.rows, kept.manifest.tag) == (20, "v1")


def test_the_candidate_stays_with_its_report_and_may_be_published_after_all(
    refresh: Refresh, hub: FakeHub, prefect: SyncPrefectClient
) -> None:
    refresh(GOOD, repo=REPO)
    with pytest.raises(GateFailed) as failed:
        refresh(GOOD[:5], repo=REPO, gates=Gates(rows=Rows(at_least=10)))
    (folder,) = (home() / "candidates" / "answers").iterdir()
    assert str(folder) in str(failed.value)
    assert "5 rows, and at least 10 are wanted" in (folder / REPORT).read_text(encoding="utf-8")
    assert SavedVersion.open(folder).rows == 5
    named = {run.name: run for run in prefect.read_flow_runs()}
    failures = [run.state for run in named.values() if run.state and run.state.is_failed()]
    assert any("at least 10 are wanted" in (state.message or "") for state in failures)
    published = publish_version(folder, REPO)
    assert published.committed
    assert hub.repositories[REPO].tags.keys() == {"v1", "v2"}


def test_gates_that_pass_let_a_version_out(refresh: Refresh, hub: FakeHub) -> None:
    summary = refresh(GOOD, repo=REPO, gates=Gates(rows=Rows(at_least=10, at_most=30)))
    assert (summary["version"], summary["published"]) == ("v1", True)
