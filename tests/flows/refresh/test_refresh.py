"""A refresh touches exactly what changed, and publishes it as one commit or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.publishing.folder import version_in
from flows.versions.saved import SavedVersion
from llms.home import close_gateways
from tasks import Row
from tests.flows.refresh.conftest import REPO, Refresh, edited, instructions
from tests.hub import FakeHub
from tests.loopback import LoopbackProvider

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

MANY = instructions(*range(1_000))


def by_id(version: SavedVersion | None) -> dict[int, str]:
    """Return the rows of a version as JSON, by their `id`."""
    assert version is not None
    return {row["id"]: json.dumps(row) for row in version.frame().iter_rows(named=True)}


def calls_of(provider: LoopbackProvider, work: Any) -> int:
    """Do some work and return how many calls it made."""
    before = provider.stats().requests
    work()
    return provider.stats().requests - before


@pytest.mark.parametrize("cold", [False, True], ids=["warm", "on-an-empty-machine"])
def test_add_edit_and_drop_one_of_a_thousand(
    refresh: Refresh,
    provider: LoopbackProvider,
    hub: FakeHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cold: bool,
) -> None:
    assert calls_of(provider, lambda: refresh(MANY, repo=REPO)) == 2_000
    before = by_id(version_in(tmp_path / "dataset"))
    if cold:
        close_gateways()
        monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "another-home"))
        (tmp_path / "dataset").rename(tmp_path / "first")
    summary: dict[str, Any] = {}
    made = calls_of(provider, lambda: summary.update(refresh(edited(MANY), repo=REPO)))
    after = by_id(version_in(tmp_path / "dataset"))
    assert made == 4
    assert summary["calls"] == 4
    assert {key for key in before if after.get(key) == before[key]} == set(range(2, 1_000))
    assert set(after) == {*range(1, 1_000), 999_999}
    assert len(hub.repositories[REPO].pushed) == 2
    steps = {step["step"]: step for step in summary["plan"]["steps"]}
    for name in ("load", "long", "short"):
        counts = {kind: steps[name][kind] for kind in ("new", "changed", "unchanged", "removed")}
        assert counts == {"new": 1, "changed": 1, "unchanged": 998, "removed": 1}
    assert [steps[name]["calls"]["expected"] for name in ("long", "short")] == [2, 2]


def test_another_prompt_asks_again_in_exactly_that_step_and_what_follows(
    refresh: Refresh, provider: LoopbackProvider, hub: FakeHub
) -> None:
    rows = instructions(*range(20))
    refresh(rows, repo=REPO)
    summary: dict[str, Any] = {}
    changed = "In one word: {{ long }}"
    made = calls_of(provider, lambda: summary.update(refresh(rows, second=changed, repo=REPO)))
    assert made == 20
    steps = {step["step"]: step for step in summary["plan"]["steps"]}
    assert [steps[name]["changed"] for name in ("load", "long", "short", "keep")] == [0, 0, 20, 20]
    assert list(steps["keep"]["why"]) == ["step 'short' before it changed"]


def test_where_nothing_changed_nothing_is_asked_or_published(
    refresh: Refresh, provider: LoopbackProvider, hub: FakeHub
) -> None:
    rows = instructions(*range(20))
    first = refresh(rows, repo=REPO)
    summary: dict[str, Any] = {}
    assert calls_of(provider, lambda: summary.update(refresh(rows, repo=REPO))) == 0
    assert summary["published"] is False
    assert summary["version"] == first["version"] == "v1"


def test_a_source_that_fails_to_load_is_an_error_and_no_empty_refresh(
    refresh: Refresh, hub: FakeHub, tmp_path: Path
) -> None:
    refresh(instructions(1, 2), repo=REPO)
    broken: list[Row] = [{"instruction": "no id"}]
    with pytest.raises(Exception, match="needs the column 'id'"):
        refresh(broken, repo=REPO)
    assert len(by_id(version_in(tmp_path / "dataset"))) == 2
    assert len(hub.repositories[REPO].pushed) == 1
