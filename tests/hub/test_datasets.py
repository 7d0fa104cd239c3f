"""Datasets on the Hub on loopback, loaded with the real `datasets`, by LFS and by Xet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import datasets
import pytest
from datasets import Dataset, DatasetDict, get_dataset_config_names, load_dataset
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import HfApi

from tests.hub import FakeHub, hub_of_this_process
from tests.hub.conftest import REPO, commit, parquet

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

CARD = b"""---
configs:
- config_name: default
  default: true
  data_files:
  - split: train
    path: data/train-*
  - split: test
    path: data/test-*
- config_name: small
  data_files:
  - split: train
    path: small/train-*
---
"""
FIRST = {
    "README.md": CARD,
    "data/train-00000.parquet": parquet(0, 30),
    "data/test-00000.parquet": parquet(100, 10),
    "small/train-00000.parquet": parquet(200, 5),
}


@pytest.fixture(params=["lfs", "xet"])
def hub(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeHub]:
    """Serve a Hub that has a dataset with two configurations, and its first version tagged."""
    datasets.disable_progress_bars()
    with hub_of_this_process(tmp_path, monkeypatch, xet=request.param == "xet") as hub:
        HfApi().create_repo(REPO, repo_type="dataset")
        commit(FIRST)
        HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
        commit({"data/train-00001.parquet": parquet(30, 20)})
        yield hub


def test_configurations_and_splits_load_as_the_card_says(hub: FakeHub) -> None:
    assert get_dataset_config_names(REPO) == ["default", "small"]
    loaded = load_dataset(REPO)
    assert {split: rows["n"][:] for split, rows in loaded.items()} == {
        "train": list(range(50)),
        "test": list(range(100, 110)),
    }
    assert load_dataset(REPO, "small", split="train")["n"][:] == list(range(200, 205))
    assert ("fetch" in hub.calls) == hub.xet


@pytest.mark.usefixtures("hub")
def test_an_old_tag_still_gives_the_old_rows() -> None:
    assert load_dataset(REPO, split="train", revision="v1")["n"][:] == list(range(30))
    assert load_dataset(REPO, split="train")["n"][:] == list(range(50))


def test_rows_can_be_streamed_without_a_download(hub: FakeHub, tmp_path: Path) -> None:
    rows = load_dataset(REPO, split="train", streaming=True)
    assert [row["n"] for row in rows] == list(range(50))
    assert "fetch" not in hub.calls
    assert not list((tmp_path / "hub-cache").rglob("*.parquet"))


def test_a_private_dataset_loads_with_a_token_only(hub: FakeHub) -> None:
    hub.repositories[REPO].private = True
    with pytest.raises(DatasetNotFoundError):
        load_dataset(REPO, split="train", token=False)
    assert len(load_dataset(REPO, split="train")) == 50


def test_datasets_own_push_arrives_and_comes_back(hub: FakeHub) -> None:
    pushed = DatasetDict(
        {"train": Dataset.from_dict({"n": [1, 2]}), "test": Dataset.from_dict({"n": [3]})}
    )
    pushed.push_to_hub("maker/others")
    assert {split: rows["n"][:] for split, rows in load_dataset("maker/others").items()} == {
        "train": [1, 2],
        "test": [3],
    }
    assert len(hub.repositories["maker/others"].pushed) == 1
