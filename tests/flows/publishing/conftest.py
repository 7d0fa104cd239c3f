"""A Hub on loopback, versions of a dataset, and files of one row each."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from huggingface_hub import constants

from flows.publishing.hub import publish
from flows.publishing.targets import HubTarget, Published
from flows.versions import parquet, row_groups
from flows.versions.saved import SavedVersion
from tests.flows.versions import saved, version_of
from tests.hub import FakeHub, Repository, hub_of_this_process

REPO = "maker/numbers"
TARGET = HubTarget(repo=REPO)

MakeVersion = Callable[..., SavedVersion]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve an empty Hub to the clients in this process, and be logged in as a writer."""
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder on a machine that has downloaded nothing."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cold-cache"))
    return tmp_path / "cold" / "dataset"


@pytest.fixture
def clients_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Hub's client, and us, try again at once."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


@pytest.fixture
def one_row_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write every row to a file of its own."""
    monkeypatch.setattr(row_groups, "_LEAST_BYTES", 0)
    monkeypatch.setattr(row_groups, "_MOST_BYTES", 0)
    monkeypatch.setattr(parquet, "_SHARD_BYTES", 0)


@pytest.fixture
def made(tmp_path: Path) -> MakeVersion:
    """Return a function that stages a version with a row for each number, in a new folder."""
    count = iter(range(100))

    def version(*numbers: int, before: SavedVersion | None = None) -> SavedVersion:
        rows = [{"n": number} for number in numbers]
        return saved(tmp_path / "staged" / str(next(count)), version_of(rows), before)

    return version


def pushed(hub: FakeHub) -> Repository:
    """Return the repository that the test published to."""
    return hub.repositories[REPO]


def published(version: SavedVersion) -> Published:
    """Publish a version to the branch `main`."""
    return publish(version, TARGET)


def tags_of(repository: Repository) -> dict[str, list[str]]:
    """Return the tags, each with the titles of the commits up to its own, after the first."""
    found = {}
    for name, commit in repository.tags.items():
        at = repository.at(commit)
        assert at is not None
        found[name] = [item.title for item in repository.line(at)][-2::-1]
    return found


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Make this process fail to write more bytes than that into any one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
