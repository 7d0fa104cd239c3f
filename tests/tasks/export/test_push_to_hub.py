"""Rows as a split on the Hub: the real clients against a Hub on loopback."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import SecretStr

from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts
from tasks.export import push_to_hub
from tasks.export.delivery import nothing_delivered
from tasks.export.hub_card import with_split
from tasks.export.hub_errors import HubError
from tasks.export.push_to_hub import PushToHub
from tasks.outcome import StepContext
from tests.hub import WRITER, FakeHub, LostAnswer, Overtaken, Repository, hub_of_this_process
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

REPO = "maker/numbers"
TRAIN = "data/train-00000-of-00001.parquet"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        yield hub


def rows_in(hub: FakeHub, path: str = TRAIN) -> list[dict[str, Any]]:
    """Return the rows of a file on the Hub."""
    return pl.read_parquet(hub.repositories[REPO].files[path]).to_dicts()


def test_the_rows_are_one_commit_and_pass_through(hub: FakeHub) -> None:
    rows = [{"n": 1, "said": ["a"]}, {"n": 2, "said": []}]
    outcome = applied(PushToHub(repo_id=REPO), rows)
    assert rows_after(outcome) == rows
    assert keys_of(outcome.frame) == keys_of(keyed(rows))
    [commit] = hub.repositories[REPO].pushed
    assert commit.title == "train: 2 rows"
    assert commit.added == {TRAIN}
    assert rows_in(hub) == rows


def test_rows_with_different_columns_are_pushed_whole(hub: FakeHub) -> None:
    next(PushToHub(repo_id=REPO).process([{"a": 1}, {"b": "late"}]))
    assert rows_in(hub) == [{"a": 1, "b": None}, {"a": None, "b": "late"}]


def test_the_same_rows_again_make_no_commit(hub: FakeHub) -> None:
    for _ in range(2):
        applied(PushToHub(repo_id=REPO), [{"n": 1}])
    assert len(hub.repositories[REPO].pushed) == 1


def test_another_split_goes_beside_and_a_smaller_one_replaces_its_files(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied(PushToHub(repo_id=REPO, split="test"), [{"n": 0}])
    monkeypatch.setattr(push_to_hub, "_SHARD_BYTES", 8)
    applied(PushToHub(repo_id=REPO), [{"n": 1}, {"n": 2}])
    hub.repositories[REPO].commit("by hand", {"LICENSE": b"mine", "data/train-mine.parquet": b"x"})
    applied(PushToHub(repo_id=REPO), [{"n": 3}])
    assert sorted(hub.repositories[REPO].files) == [
        ".gitattributes",
        "LICENSE",
        "data/test-00000-of-00001.parquet",
        TRAIN,
        "data/train-mine.parquet",
    ]
    assert rows_in(hub) == [{"n": 3}]


def test_a_commit_of_somebody_else_in_between_is_kept(hub: FakeHub) -> None:
    hub.fail("commit", Overtaken({"LICENSE": b"mine"}))
    applied(PushToHub(repo_id=REPO), [{"n": 1}])
    assert [commit.title for commit in hub.repositories[REPO].pushed] == [
        "somebody else's",
        "train: 1 rows",
    ]


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: FakeHub) -> None:
    hub.fail("commit", LostAnswer())
    applied(PushToHub(repo_id=REPO), [{"n": 1}])
    assert len(hub.repositories[REPO].pushed) == 1


def test_anyone_can_load_the_split_with_plain_column_types(hub: FakeHub, tmp_path: Path) -> None:
    applied(PushToHub(repo_id=REPO), [{"text": "a", "numbers": [1.5]}, {"text": None}])
    script = f"""
import datasets
loaded = datasets.load_dataset("{REPO}", split="train", token=False)
print(loaded.features["text"], loaded.features["numbers"], len(loaded))
"""
    places = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf"), "PYTHONWARNINGS": "ignore"}
    child = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **places, "HF_HUB_DISABLE_XET": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert child.stdout.strip() == "Value('string') List(Value('float64')) 2"


def test_a_card_that_would_hide_the_split_is_mended_and_its_text_stays(hub: FakeHub) -> None:
    metadata = {
        "license": "mit",
        "configs": [
            {"config_name": "other", "data_files": "other.csv"},
            {"config_name": "default", "data_files": [{"split": "test", "path": "test.csv"}]},
        ],
        "dataset_info": {"features": [{"name": "gone", "dtype": "string"}]},
    }
    card = f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---\n# Numbers\n\nBy hand.\n"
    hub.repositories[REPO] = Repository()
    hub.repositories[REPO].commit("by hand", {"README.md": card.encode()})
    applied(PushToHub(repo_id=REPO), [{"n": 1}])
    assert hub.repositories[REPO].head.added == {TRAIN, "README.md"}
    _, mended, text = hub.repositories[REPO].files["README.md"].decode().split("---\n", 2)
    assert text == "# Numbers\n\nBy hand.\n"
    assert yaml.safe_load(mended) == {
        "license": "mit",
        "configs": [
            {"config_name": "other", "data_files": "other.csv"},
            {
                "config_name": "default",
                "data_files": [
                    {"split": "test", "path": "test.csv"},
                    {"split": "train", "path": "data/train-*"},
                ],
            },
        ],
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"license": "mit"}, {"license": "mit"}),
        (
            {"configs": [{"config_name": "a", "data_files": "a.csv"}]},
            {
                "configs": [
                    {"config_name": "a", "data_files": "a.csv"},
                    {
                        "config_name": "default",
                        "data_files": [{"split": "train", "path": "data/train-*"}],
                    },
                ]
            },
        ),
        (
            {"configs": [{"data_files": [{"split": "train", "path": "train.csv"}]}]},
            {"configs": [{"data_files": [{"split": "train", "path": "data/train-*"}]}]},
        ),
        (
            {"dataset_info": [{"config_name": "default"}, {"config_name": "a"}]},
            {"dataset_info": [{"config_name": "a"}]},
        ),
        ({"dataset_info": {"config_name": "a"}}, {"dataset_info": {"config_name": "a"}}),
    ],
    ids=["no-configurations", "other-configuration", "another-place", "sizes", "others-sizes"],
)
def test_a_card_says_where_the_split_is_and_nothing_stale(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert with_split(before, "train") == after
    assert with_split(after, "train") == after


def test_no_rows_replace_nothing(hub: FakeHub) -> None:
    PushToHub(repo_id=REPO).apply(keyed([{"n": 1}]).clear(), StepContext())
    assert hub.calls == []


def test_a_preview_pushes_nothing_and_needs_no_token(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    step = PushToHub(repo_id=REPO)
    with nothing_delivered():
        step.load()
        assert rows_after(applied(step, [{"n": 1}])) == [{"n": 1}]
    assert hub.calls == []


def test_a_new_repository_is_private_if_asked(hub: FakeHub) -> None:
    applied(PushToHub(repo_id=REPO, private=True), [{"n": 1}])
    assert hub.repositories[REPO].private


def test_the_steps_own_token_is_used_and_never_written_down(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with Graph("numbers") as graph, caplog.at_level(logging.DEBUG):
        step = PushToHub(repo_id=REPO, token=SecretStr(WRITER))
        LoadDataFromDicts(data=[{"n": 1}]) >> step
        step.load()
        applied(step, [{"n": 1}])
    assert len(hub.repositories[REPO].pushed) == 1
    written = [graph.to_yaml(), repr(step), json.dumps(step.content), caplog.text]
    assert not any(WRITER in text for text in written)
    assert step.signature == PushToHub(repo_id=REPO, name=step.name).signature


def test_a_repository_without_a_name_is_told_before_anything_else(hub: FakeHub) -> None:
    for work in (PushToHub().load, lambda: applied(PushToHub(), [{"n": 1}])):
        with pytest.raises(ConfigurationError, match=r"^Step 'push_to_hub_0' needs repo_id="):
            work()
    with pytest.raises(HubError, match=r"^A dataset on the Hub is named owner/name"):
        PushToHub(repo_id="numbers").load()
    assert hub.calls == []


def test_a_missing_token_is_told_before_the_first_row(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match=r"^There is no token for the Hub to push 'maker/numbers'"):
        PushToHub(repo_id=REPO).load()
    assert hub.calls == []


@pytest.mark.parametrize("split", ["", "a/b", "../x", "train set", "a."])
def test_a_malformed_split_is_told_when_the_step_is_made(split: str) -> None:
    with pytest.raises(ConfigurationError, match="split"):
        PushToHub(repo_id=REPO, split=split)
