"""The faults of the Hub on loopback, and how the real clients take them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import httpx2
import pytest
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError

from tests.hub import WRITER, Cut, FakeHub, LostAnswer, Overtaken, Repository, Slow, Stalled, Status
from tests.hub.conftest import REPO, commit, parquet

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

DATA = parquet(0, 2000)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clients try again at once."""
    no_time = SimpleNamespace(sleep=lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.utils._http.time", no_time)
    monkeypatch.setattr("huggingface_hub.file_download.time", no_time)


def downloaded() -> bytes:
    """Return the large file as the client gets it."""
    return Path(HfApi().hf_hub_download(REPO, "data.parquet", repo_type="dataset")).read_bytes()


def test_a_status_is_answered_so_many_times_with_its_headers(hub: FakeHub) -> None:
    hub.fail("tag", Status(429, headers={"Retry-After": "7"}), Status(503))
    seen = []
    for _ in range(2):
        with pytest.raises(HfHubHTTPError) as caught:
            HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
        answer = caught.value.response
        seen.append((answer.status_code, answer.headers.get("Retry-After")))
    assert seen == [(429, "7"), (503, None)]
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    assert hub.calls == ["tag"] * 3


@pytest.mark.parametrize("action", ["tag", "branch", "settings", "commit", "create"])
def test_work_is_done_although_its_answer_is_lost(
    action: str, hub: FakeHub, repository: Repository
) -> None:
    hub.fail(action, LostAnswer())
    api = HfApi()
    work: dict[str, Callable[[], object]] = {
        "tag": lambda: api.create_tag(REPO, tag="v1", repo_type="dataset"),
        "branch": lambda: api.create_branch(REPO, branch="next", repo_type="dataset"),
        "settings": lambda: api.update_repo_settings(REPO, private=True, repo_type="dataset"),
        "commit": lambda: commit({"a.txt": b"a"}),
        "create": lambda: api.create_repo("maker/new", repo_type="dataset"),
    }
    with pytest.raises(httpx2.TransportError):
        work[action]()
    assert {
        "tag": "v1" in repository.tags,
        "branch": "next" in repository.branches,
        "settings": repository.private,
        "commit": "a.txt" in repository.files,
        "create": "maker/new" in hub.repositories,
    } == {name: name == action for name in work}


def test_somebody_else_commits_just_before(hub: FakeHub, repository: Repository) -> None:
    hub.fail("commit", Overtaken({"theirs.txt": b"x"}))
    with pytest.raises(HfHubHTTPError, match="412"):
        commit({"ours.txt": b"x"}, parent=repository.head.id)
    assert [made.title for made in repository.pushed] == ["somebody else's"]


def test_somebody_else_commits_to_the_branch_that_is_asked_for(
    hub: FakeHub, repository: Repository
) -> None:
    HfApi().create_branch(REPO, branch="next", repo_type="dataset")
    hub.fail("commit", Overtaken({"theirs.txt": b"x"}))
    commit({"ours.txt": b"x"}, revision="next")
    assert not repository.pushed
    ahead = repository.at("next")
    assert ahead is not None
    assert {"theirs.txt", "ours.txt"} <= ahead.files.keys()


def test_an_upload_that_is_cut_leaves_nothing_and_is_sent_again(
    hub: FakeHub, repository: Repository
) -> None:
    hub.fail("upload", Cut(10_000))
    commit({"data.parquet": DATA})
    assert hub.calls.count("upload") == 2
    assert hub.uploaded_bytes == len(DATA)
    assert repository.files["data.parquet"] == DATA


def test_a_connection_is_cut_when_so_many_bytes_have_come(hub: FakeHub) -> None:
    hub.fail("upload", Cut(10_000))
    with socket.create_connection(("127.0.0.1", hub.port), timeout=0.2) as connection:
        head = f"PUT /storage/{'0' * 64} HTTP/1.1\r\nHost: hub\r\nContent-Length: 20000\r\n\r\n"
        connection.sendall(head.encode() + bytes(9_999))
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.sendall(bytes(1))
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_commit_that_is_cut_is_not_made(hub: FakeHub, repository: Repository) -> None:
    hub.fail("commit", Cut(10))
    with pytest.raises(httpx2.TransportError):
        commit({"a.txt": b"a" * 1000})
    assert not repository.pushed


def test_a_download_that_is_cut_goes_on_where_it_was(
    hub: FakeHub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("by hand", {"data.parquet": DATA})
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.fail("resolve", Cut(10_500), Cut(300))
    assert downloaded() == DATA
    assert hub.calls == ["resolve"] * 4


def test_a_fault_can_be_for_one_method(hub: FakeHub, repository: Repository) -> None:
    repository.commit("by hand", {"data.parquet": DATA})
    hub.fail("GET resolve", Status(503))
    with pytest.raises(HfHubHTTPError, match="503"):
        downloaded()
    assert hub.calls == ["resolve", "resolve"]
    assert downloaded() == DATA


def test_a_slow_answer_comes(hub: FakeHub) -> None:
    hub.fail("refs", Slow(0.3))
    began = time.monotonic()
    HfApi().list_repo_refs(REPO, repo_type="dataset")
    assert time.monotonic() - began >= 0.3


def test_a_slow_request_holds_up_no_other(hub: FakeHub) -> None:
    hub.fail("refs", Slow(0.5))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(HfApi().list_repo_refs, REPO, repo_type="dataset")
        while "refs" not in hub.calls:
            time.sleep(0.01)
        HfApi().dataset_info(REPO)
        assert not slow.done()


@pytest.mark.parametrize("done", [True, False], ids=["slow", "stalled"])
def test_a_client_that_does_not_wait_cannot_tell_slow_from_stalled(
    done: bool, hub: FakeHub, repository: Repository
) -> None:
    hub.fail("tag", Slow(0.2) if done else Stalled())
    with pytest.raises(httpx2.TimeoutException):
        httpx2.post(
            f"{hub.url}/api/datasets/{REPO}/tag/main",
            json={"tag": "v1"},
            headers={"Authorization": f"Bearer {WRITER}"},
            timeout=0.1,
        )
    assert not repository.tags
    time.sleep(0.3)
    assert ("v1" in repository.tags) == done
