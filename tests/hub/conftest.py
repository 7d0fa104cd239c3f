"""A Hub for each test, with one repository, made by the real client."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi

from tests.hub import FakeHub, Repository, hub_of_this_process

REPO = "maker/numbers"
CARD = b"---\nlicense: mit\n---\n# Numbers\n"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve a Hub that takes large files by LFS."""
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        HfApi().create_repo(REPO, repo_type="dataset")
        hub.calls.clear()
        yield hub


@pytest.fixture
def xet_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve a Hub that takes large files by Xet."""
    with hub_of_this_process(tmp_path, monkeypatch, xet=True) as hub:
        HfApi().create_repo(REPO, repo_type="dataset")
        hub.calls.clear()
        yield hub


@pytest.fixture
def repository(hub: FakeHub) -> Repository:
    """Return the repository of the Hub with LFS."""
    return hub.repositories[REPO]


def commit(
    added: Mapping[str, bytes],
    title: str = "more",
    *,
    deleted: tuple[str, ...] = (),
    parent: str | None = None,
    revision: str | None = None,
    create_pr: bool = False,
    token: str | None = None,
) -> CommitInfo:
    """Commit files with the real client."""
    additions = [CommitOperationAdd(path, content) for path, content in added.items()]
    return HfApi().create_commit(
        REPO,
        [*additions, *(CommitOperationDelete(path) for path in deleted)],
        commit_message=title,
        repo_type="dataset",
        parent_commit=parent,
        revision=revision,
        create_pr=create_pr,
        token=token,
    )


def parquet(first: int, rows: int) -> bytes:
    """Return a file of rows that count up, each with a text of its own."""
    numbers = range(first, first + rows)
    texts = [random.Random(number).randbytes(20).hex() for number in numbers]
    file = io.BytesIO()
    pl.DataFrame({"n": numbers, "text": texts}).write_parquet(file)
    return file.getvalue()
