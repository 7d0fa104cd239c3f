"""Publishing to the Hugging Face Hub: the real clients against a Hub on loopback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from flows.publishing.errors import PublishingError
from flows.publishing.hub import publish
from flows.versions.saved import SavedVersion
from tests.flows.publishing.conftest import (
    REPO,
    TARGET,
    MakeVersion,
    published,
    pushed,
    tags_of,
)
from tests.flows.versions import contents, version_of
from tests.hub import FakeHub, Repository, Status

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def test_a_version_is_one_commit_with_all_the_files_of_its_folder_and_a_tag(
    hub: FakeHub, made: MakeVersion
) -> None:
    version = made(1, 2)
    done = published(version)
    repository = pushed(hub)
    (commit,) = repository.pushed
    assert commit.title == "numbers v1: 2 rows"
    assert {name: repository.files[name] for name in commit.added} == contents(version.folder)
    assert not repository.private
    assert repository.tags == {"v1": commit.id}
    assert done.address == f"{hub.url}/datasets/{REPO}/commit/{commit.id}"
    assert (done.version, done.committed, done.pull_request) == ("v1", True, None)
    history = HfApi().list_repo_commits(REPO, repo_type="dataset")
    assert [entry.commit_id for entry in history] == [item.id for item in repository.commits[::-1]]


def test_the_same_content_again_makes_no_commit_and_says_so(
    hub: FakeHub, made: MakeVersion
) -> None:
    first = published(made(1))
    again = published(made(1))
    assert (again.address, again.version) == (first.address, "v1")
    assert [first.committed, again.committed] == [True, False]
    assert hub.calls.count("commit") == 1
    assert tags_of(pushed(hub)) == {"v1": ["numbers v1: 1 rows"]}


def test_a_run_is_pushed_once_even_from_another_machine(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = version_of([{"n": 1}]).push_to_hub(REPO)
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "another" / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another" / "hub-cache"))
    assert version_of([{"n": 1}]).push_to_hub(REPO) == first
    assert len(pushed(hub).pushed) == 1


def test_another_run_that_made_the_same_rows_changes_nothing(hub: FakeHub) -> None:
    for run in ("first run", "second run"):
        replace(version_of([{"n": 1}]), run=run).push_to_hub(REPO)
    assert len(pushed(hub).pushed) == 1


def test_versions_are_numbered_by_what_is_published_wherever_they_were_staged(
    hub: FakeHub, made: MakeVersion
) -> None:
    later = made(1, 2, before=made(1, before=made(0)))
    assert later.manifest.version == 3
    assert published(made(1)).version == "v1"
    assert published(later).version == "v2"
    assert SavedVersion.open(later.folder).manifest.version == 2
    repository = pushed(hub)
    assert json.loads(repository.files["manifest.json"])["version"] == 2
    assert b"this is version v2" in repository.files["README.md"]
    assert tags_of(repository) == {
        "v1": ["numbers v1: 1 rows"],
        "v2": ["numbers v1: 1 rows", "numbers v2: 2 rows"],
    }
    assert "rejections.jsonl" not in repository.head.added


def test_the_folder_is_what_was_published_even_if_it_was_published_before(
    hub: FakeHub, made: MakeVersion
) -> None:
    first, same = made(1), made(1, before=made(5))
    published(first)
    pushed(hub).commit("by hand", {"README.md": pushed(hub).files["README.md"] + b"\nMine.\n"})
    published(same)
    assert contents(same.folder) == {
        name: content for name, content in pushed(hub).files.items() if name[0] != "."
    }


@pytest.mark.usefixtures("one_row_a_shard")
def test_files_that_a_smaller_version_lacks_go_in_its_commit_and_other_files_stay(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1, 2))
    repository = pushed(hub)
    repository.commit("by hand", {"LICENSE": b"mine", "data/extra.parquet": b"mine too"})
    published(made(1))
    assert repository.head.deleted == {
        f"{stem}-0000{number}-of-00002.parquet"
        for stem in ("data/train", "provenance/rows", "provenance/sources/load")
        for number in range(2)
    }
    assert len(repository.pushed) == 3
    assert sorted(repository.files) == [
        ".gitattributes",
        "LICENSE",
        "README.md",
        "data/extra.parquet",
        "data/train-00000-of-00001.parquet",
        "manifest.json",
        "pipeline.yaml",
        "provenance/answers-00000-of-00001.parquet",
        "provenance/rows-00000-of-00001.parquet",
        "provenance/sources/load-00000-of-00001.parquet",
        "rejections.jsonl",
    ]


@pytest.mark.usefixtures("one_row_a_shard")
def test_a_file_that_is_gone_already_is_not_deleted_again(hub: FakeHub, made: MakeVersion) -> None:
    published(made(1, 2))
    gone = "data/train-00001-of-00002.parquet"
    pushed(hub).commit("by hand", {}, [gone])
    published(made(1))
    assert gone not in pushed(hub).head.deleted
    assert "data/train-00000-of-00002.parquet" in pushed(hub).head.deleted


def test_a_file_that_was_deleted_by_hand_is_put_back(hub: FakeHub, made: MakeVersion) -> None:
    version = made(1)
    published(version)
    pushed(hub).commit("by hand", {}, ["pipeline.yaml"])
    assert published(made(1)).committed
    assert "pipeline.yaml" in pushed(hub).files


@pytest.mark.usefixtures("one_row_a_shard")
def test_old_files_go_even_if_the_old_manifest_is_out_of_reach_at_first(
    hub: FakeHub, made: MakeVersion
) -> None:
    published(made(1, 2))
    hub.fail("resolve", Status(403))
    published(made(1))
    data = [path for path in pushed(hub).files if path.startswith("data/")]
    assert data == ["data/train-00000-of-00001.parquet"]
    assert len(pushed(hub).pushed) == 2


def test_a_manifest_of_somebody_else_is_no_list_of_files_to_delete(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.repositories[REPO] = Repository()
    manifest = b'{"files": {"keep.txt": "0"}, "version": 7}'
    pushed(hub).commit("by hand", {"manifest.json": manifest, "keep.txt": b"mine"})
    assert published(made(1)).version == "v1"
    assert not pushed(hub).head.deleted
    assert pushed(hub).files["keep.txt"] == b"mine"


def test_charts_are_published_and_old_ones_go(hub: FakeHub, made: MakeVersion) -> None:
    first, second = made(1), made(2)
    publish(first, TARGET, charts={"a.svg": "<svg>a</svg>", "b.svg": "<svg>b</svg>"})
    pushed(hub).commit("by hand", {"charts/mine.svg": b"<svg>mine</svg>"})
    publish(second, TARGET, charts={"b.svg": "<svg>b</svg>", "c.svg": "<svg>c</svg>"})
    charts = [path for path in pushed(hub).files if path.startswith("charts/")]
    assert sorted(charts) == ["charts/b.svg", "charts/c.svg", "charts/mine.svg"]
    assert contents(second.folder)["charts/c.svg"] == b"<svg>c</svg>"


@pytest.mark.parametrize(
    "harm",
    ["cut-short", "missing", "changed-by-a-byte", "an-edited-manifest", "a-path-outside"],
)
def test_a_folder_that_is_not_what_a_run_made_is_refused_before_anything_is_sent(
    harm: str, hub: FakeHub, made: MakeVersion
) -> None:
    version = made(1, 2, 3)
    data = version.folder / "data" / "train-00000-of-00001.parquet"
    content = data.read_bytes()
    manifest = (version.folder / "manifest.json").read_text()
    if harm == "cut-short":
        data.write_bytes(content[:100])
    elif harm == "missing":
        data.unlink()
    elif harm == "changed-by-a-byte":
        data.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
    elif harm == "an-edited-manifest":
        digests = version.manifest.digests
        edited = manifest.replace(digests["pipeline.yaml"], digests["rejections.jsonl"])
        (version.folder / "manifest.json").write_text(edited)
    else:
        edited = manifest.replace('"pipeline.yaml"', '"../pipeline.yaml"')
        (version.folder / "manifest.json").write_text(edited)
    with pytest.raises(PublishingError, match=r"(is not whole|been changed by hand)[^.]*\S*.*\.$"):
        published(SavedVersion.open(version.folder))
    assert hub.calls == []
