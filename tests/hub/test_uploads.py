"""Large files that go to the Hub on loopback by LFS, and what of them is really sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi

from tests.hub import FakeHub, Repository, hub_of_this_process
from tests.hub.conftest import REPO, commit, parquet

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")


def test_only_files_that_the_hub_lacks_are_sent(hub: FakeHub, repository: Repository) -> None:
    old, new = parquet(0, 100), parquet(100, 50)
    commit({"README.md": b"---\na: b\n---\n", "data/old.parquet": old})
    assert hub.uploaded_bytes == len(old)
    commit({"data/old.parquet": old, "data/new.parquet": new})
    assert hub.uploaded_bytes == len(old) + len(new)
    commit({"data/moved.parquet": old}, deleted=("data/old.parquet",))
    assert hub.uploaded_bytes == len(old) + len(new)
    assert repository.files["data/moved.parquet"] == old
    assert hub.calls.count("verify") == hub.calls.count("upload") == 2


def test_a_long_file_goes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"data/long.parquet": parquet(0, 500), "data/short.parquet": b"PAR1"}
    with hub_of_this_process(tmp_path, monkeypatch, part_bytes=5000) as hub:
        HfApi().create_repo(REPO, repo_type="dataset")
        commit(files)
        stored = hub.repositories[REPO].files
    assert files.items() <= stored.items()
    parts = -(-len(files["data/long.parquet"]) // 5000)
    assert parts > 2
    assert hub.calls.count("part") == parts
    assert (hub.calls.count("complete"), hub.calls.count("upload")) == (1, 1)
    assert hub.uploaded_bytes == sum(map(len, files.values()))


def test_a_file_that_is_not_what_its_name_says_is_refused(hub: FakeHub) -> None:
    answer = httpx2.put(f"{hub.url}/storage/{'0' * 64}", content=b"PAR1")
    assert answer.status_code == 400
    assert answer.json() == {"error": "The content has another SHA-256"}


def test_commits_at_the_same_time_all_arrive(hub: FakeHub, repository: Repository) -> None:
    files = {f"data/{number}.parquet": parquet(number, 20) for number in range(12)}
    with ThreadPoolExecutor(4) as pool:
        oids = {
            made.oid for made in pool.map(commit, [{path: file} for path, file in files.items()])
        }
    assert files.items() <= repository.files.items()
    assert oids == {made.id for made in repository.pushed}
    assert hub.uploaded_bytes == sum(map(len, files.values()))


def test_one_of_two_commits_on_the_same_parent_is_made(repository: Repository) -> None:
    parent = repository.head.id

    def attempt(number: int) -> str:
        try:
            return commit({f"{number}.parquet": parquet(number, 5)}, parent=parent).oid
        except OSError:
            return ""

    with ThreadPoolExecutor(4) as pool:
        made = [oid for oid in pool.map(attempt, range(4)) if oid]
    assert made == [repository.head.id]
    assert len(repository.pushed) == 1


def test_two_hubs_that_take_the_same_commits_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oids = []
    for name in ("first", "second"):
        with hub_of_this_process(tmp_path / name, monkeypatch):
            HfApi().create_repo(REPO, repo_type="dataset")
            oids.append(commit({"data/train.parquet": parquet(0, 10)}).oid)
    assert oids[0] == oids[1]
