"""A published version comes back from the Hub: what it takes, and what it never does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from flows.publishing.errors import PublishingError
from flows.publishing.hub import fetch, publish
from flows.publishing.targets import HubTarget
from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError
from tests.flows.publishing.conftest import REPO, TARGET, MakeVersion, published, pushed
from tests.flows.versions import contents
from tests.hub import (
    STRANGER,
    FakeHub,
    hub_of_this_process,
)

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

DATA = "data/train-00000-of-00001.parquet"


@pytest.fixture(params=["lfs", "xet"])
def either_hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    """Serve a Hub that takes large files by LFS or by Xet."""
    with hub_of_this_process(tmp_path, monkeypatch, xet=request.param == "xet") as hub:
        yield hub


def test_on_a_cold_machine_the_folder_is_what_was_published_byte_for_byte(
    either_hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    version = made(1, 2)
    publish(version, TARGET, charts={"n.svg": "<svg/>"})
    pushed(either_hub).commit("by hand", {"LICENSE": b"mine", "big.parquet": b"mine"})
    found = fetch(REPO, "main", cold)
    assert found is not None
    assert contents(cold) == contents(version.folder)
    assert found.folder == cold
    assert found.frame().equals(version.frame())
    assert [path.name for path in cold.parent.iterdir()] == ["dataset"]


def test_a_branch_a_tag_and_a_commit_each_give_their_version(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    published(made(1, 2))
    publish(made(1, 2, 3), HubTarget(repo=REPO, branch="review"))
    first = pushed(hub).pushed[0].id
    rows = {
        revision: found.rows
        for revision in ("main", "v1", "v2", "review", first)
        if (found := fetch(REPO, revision, cold)) is not None
    }
    assert rows == {"main": 2, "v1": 1, "v2": 2, "review": 3, first: 1}


def test_a_revision_that_is_not_there_is_told_or_another_one_stands_for_it(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    with pytest.raises(PublishingError, match=r"has no branch, tag or commit 'v9'\.$"):
        fetch(REPO, "v9", cold)
    assert not cold.exists()
    assert fetch(REPO, "review", cold, fallback="main") is not None


@pytest.mark.usefixtures("one_row_a_shard")
def test_files_that_are_here_already_are_not_downloaded_again(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    fetch(REPO, "main", cold)
    version = made(1, 2)
    published(version)
    same = set(version.manifest.digests.values()) & set(
        SavedVersion.open(cold).manifest.digests.values()
    )
    hub.calls.clear()
    fetch(REPO, "main", cold)
    assert contents(cold) == contents(version.folder)
    new = [path for path, digest in version.manifest.digests.items() if digest not in same]
    assert len(same) >= 2
    # Manifest and card, and the new files: a HEAD and a GET each.
    assert hub.calls.count("resolve") <= 2 * (2 + len(new))
    hub.calls.clear()
    fetch(REPO, "main", cold)
    assert "resolve" not in hub.calls


@pytest.mark.parametrize("damage", ["changed", "lost"])
def test_a_local_file_that_is_not_right_is_downloaded_again(
    damage: str, hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    version = made(1)
    published(version)
    fetch(REPO, "main", cold)
    if damage == "lost":
        (cold / DATA).unlink()
    else:
        (cold / DATA).write_bytes(b"something else")
    fetch(REPO, "main", cold)
    assert contents(cold) == contents(version.folder)


def test_no_repository_an_empty_one_and_somebody_elses_hold_no_version(
    hub: FakeHub, cold: Path
) -> None:
    assert fetch(REPO, "main", cold) is None
    HfApi().create_repo(REPO, repo_type="dataset")
    assert fetch(REPO, "main", cold) is None
    pushed(hub).commit("by hand", {"manifest.json": b'{"name": "a web page"}', "a.txt": b"mine"})
    assert fetch(REPO, "main", cold) is None
    assert not cold.exists()


def test_a_private_version_comes_with_a_token_only(
    hub: FakeHub, made: MakeVersion, cold: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(made(1), HubTarget(repo=REPO, private=True))
    assert fetch(REPO, "main", cold) is not None
    for folder, token in (("wrong", "hf_wrong"), ("anonymous", "")):
        if token:
            monkeypatch.setenv("HF_TOKEN", token)
        else:
            monkeypatch.delenv("HF_TOKEN")
        with pytest.raises(PublishingError, match=r"refuses the token .* \(401\); set HF_TOKEN"):
            fetch(REPO, "main", cold.with_name(folder))


def test_a_version_that_is_hidden_from_a_token_is_as_good_as_none(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    publish(made(1), HubTarget(repo=REPO, private=True))
    assert fetch(REPO, "main", cold, token=STRANGER) is None


def test_a_folder_of_somebody_else_is_not_overwritten(hub: FakeHub, cold: Path) -> None:
    cold.mkdir(parents=True)
    (cold / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not a dataset folder of ours"):
        fetch(REPO, "main", cold)
    assert hub.calls == []


@pytest.mark.parametrize("repo", ["numbers", "a/b/c", ""])
def test_a_malformed_name_is_told(repo: str, hub: FakeHub, cold: Path) -> None:
    with pytest.raises(PublishingError, match=r"^A dataset on the Hub is named owner/name"):
        fetch(repo, "main", cold)
