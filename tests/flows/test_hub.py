"""Publishing to the Hugging Face Hub: the real clients against a Hub on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants

from flows.publishing import folder as folder_module
from flows.publishing.folder import PublishingError
from flows.settings import FlowSettings
from tasks.export import hub_commit
from tests.flows.versions import contents, version_of
from tests.hub import (
    READER,
    FakeHub,
    LostAnswer,
    Overtaken,
    Repository,
    Status,
    hub_of_this_process,
)

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

REPO = "maker/numbers"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve an empty Hub to the clients in this process, and be logged in as a writer."""
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def one_row_a_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write every partition to a file of its own."""
    monkeypatch.setattr(folder_module, "_SHARD_BYTES", 1)


def pushed(hub: FakeHub) -> Repository:
    """Return the repository that the test pushed to."""
    (repository,) = hub.repositories.values()
    return repository


def test_a_push_is_one_commit_with_all_the_files_of_the_folder(
    hub: FakeHub, tmp_path: Path
) -> None:
    version = version_of([{"n": 1}], [{"n": 2}])
    address = version.push_to_hub(REPO)
    repository = pushed(hub)
    (commit,) = repository.pushed
    assert commit.title == "numbers: 2 rows"
    assert {name: repository.files[name] for name in commit.added} == contents(
        version.save_to_disk(tmp_path / "folder")
    )
    assert not repository.private
    assert address == f"{hub.url}/datasets/{REPO}/commit/{commit.id}"
    history = HfApi().list_repo_commits(REPO, repo_type="dataset")
    assert [entry.commit_id for entry in history] == [item.id for item in repository.commits[::-1]]


def test_the_same_version_again_makes_no_commit_even_from_another_machine(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = version_of([{"n": 1}]).push_to_hub(REPO)
    monkeypatch.setenv("STILLHOUSE_HOME", str(tmp_path / "another" / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another" / "hub-cache"))
    assert version_of([{"n": 1}]).push_to_hub(REPO) == first
    assert len(pushed(hub).pushed) == 1


def test_a_new_version_is_one_more_commit(hub: FakeHub) -> None:
    version_of([{"n": 1}]).push_to_hub(REPO)
    second = version_of([{"n": 1}, {"n": 2}]).push_to_hub(REPO)
    repository = pushed(hub)
    assert len(repository.pushed) == 2
    assert second.endswith(repository.head.id)
    assert "rejections.jsonl" not in repository.head.added


def test_anyone_can_load_what_was_pushed(hub: FakeHub, tmp_path: Path) -> None:
    script = """
import json, datasets
from tests.flows.versions import version_of
rows = [{"n": 1, "said": [{"role": "user", "content": "a"}]}, {"n": 2, "said": []}]
print(version_of(rows[:1], rows[1:]).push_to_hub("maker/numbers"))
loaded = datasets.load_dataset("maker/numbers", split="train", token=False)
print(json.dumps([list(loaded) == rows, str(loaded.features["said"])]))
"""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "PYTHONWARNINGS": "ignore",
    }
    child = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    address, said = child.stdout.splitlines()
    assert address.endswith(pushed(hub).head.id)
    assert json.loads(said) == [True, "List({'role': Value('string'), 'content': Value('string')})"]


@pytest.mark.usefixtures("one_row_a_shard")
def test_shards_that_a_smaller_version_lacks_go_in_its_commit_and_other_files_stay(
    hub: FakeHub,
) -> None:
    version_of([{"n": 1}], [{"n": 2}]).push_to_hub(REPO)
    repository = pushed(hub)
    repository.commit("by hand", {"LICENSE": b"mine", "data/extra.parquet": b"mine too"})
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert repository.head.deleted == {
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
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
        "rejections.jsonl",
    ]


@pytest.mark.usefixtures("one_row_a_shard")
def test_old_shards_go_even_if_the_old_manifest_is_out_of_reach_at_first(hub: FakeHub) -> None:
    version_of([{"n": 1}], [{"n": 2}]).push_to_hub(REPO)
    hub.fail("resolve", Status(403))
    version_of([{"n": 1}]).push_to_hub(REPO)
    data = [path for path in pushed(hub).files if path.startswith("data/")]
    assert data == ["data/train-00000-of-00001.parquet"]
    assert len(pushed(hub).pushed) == 2


def test_a_manifest_of_somebody_else_is_no_list_of_files_to_delete(hub: FakeHub) -> None:
    hub.repositories[REPO] = Repository()
    manifest = b'{"files": {"default": [{"path": "keep.txt"}]}}'
    pushed(hub).commit("by hand", {"manifest.json": manifest, "keep.txt": b"mine"})
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert not pushed(hub).head.deleted
    assert pushed(hub).files["keep.txt"] == b"mine"


@pytest.mark.parametrize("status", [409, 412, 429, 500, 503])
def test_a_commit_that_the_hub_cannot_take_now_is_made_once(status: int, hub: FakeHub) -> None:
    hub.fail("commit", Status(status))
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert hub.calls.count("commit") == 2
    assert len(pushed(hub).pushed) == 1


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        ("whoami", Status(429)),
        ("create", Status(503)),
        ("create", LostAnswer()),
        ("info", Status(502)),
        ("validate", Status(503)),
        ("upload", Status(403)),
    ],
    ids=["whoami", "create", "create-lost", "info", "card-check", "upload"],
)
def test_any_other_step_of_a_push_is_tried_again_too(
    action: str, fault: Status | LostAnswer, hub: FakeHub
) -> None:
    hub.fail(action, fault)
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert len(pushed(hub).pushed) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "1"}, {"RateLimit": '"api";r=0;t=0'}],
    ids=["retry-after", "rate-limit"],
)
def test_the_hub_says_how_long_to_wait(headers: dict[str, str], hub: FakeHub) -> None:
    hub.fail("commit", Status(429, headers=headers))
    began = time.monotonic()
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert time.monotonic() - began >= 1
    assert len(pushed(hub).pushed) == 1


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: FakeHub) -> None:
    hub.fail("commit", LostAnswer())
    address = version_of([{"n": 1}]).push_to_hub(REPO)
    (commit,) = pushed(hub).pushed
    assert address.endswith(commit.id)
    assert hub.calls.count("commit") == 1


def test_a_commit_of_somebody_else_in_between_is_kept(hub: FakeHub) -> None:
    hub.fail("commit", Overtaken({"LICENSE": b"mine", "README.md": b"---\na: b\n---\nmine"}))
    version_of([{"n": 1}]).push_to_hub(REPO)
    assert [commit.title for commit in pushed(hub).pushed] == [
        "somebody else's",
        "numbers: 1 rows",
    ]
    assert pushed(hub).files["LICENSE"] == b"mine"
    assert b"# numbers" in pushed(hub).files["README.md"]


def test_a_new_repository_is_private_if_asked(hub: FakeHub) -> None:
    version_of([{"n": 1}]).push_to_hub(REPO, private=True)
    assert pushed(hub).private


@pytest.mark.parametrize(
    "repo",
    ["numbers", "a/b/c", "/numbers", "maker/", "maker/my numbers", "maker/-n", "maker/a--b", ""],
)
def test_a_malformed_name_is_told_before_anything_else(repo: str, hub: FakeHub) -> None:
    with pytest.raises(PublishingError, match=r"^A dataset on the Hub is named owner/name.*\.$"):
        version_of([{"n": 1}]).push_to_hub(repo)
    assert hub.calls == []


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("hf_wrong", r"^The Hub refuses the token for 'maker/numbers' \(401\); set HF_TOKEN to .*"),
        (READER, r"^The token for 'maker/numbers' can only read; set HF_TOKEN to a token with .*"),
    ],
    ids=["wrong", "read-only"],
)
def test_a_token_that_cannot_publish_is_told_before_the_run(
    token: str, sentence: str, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PublishingError, match=sentence):
        version_of([{"n": 1}]).push_to_hub(REPO, token=token)
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PublishingError, match=sentence):
        FlowSettings(output=str(tmp_path / "out"), repo=REPO).check()
    assert hub.calls == ["whoami", "whoami"]
    assert not hub.repositories


def test_a_missing_token_is_told_at_once(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    began = time.monotonic()
    with pytest.raises(PublishingError, match=r"^There is no token for the Hub to push 'maker/"):
        version_of([{"n": 1}]).push_to_hub(REPO)
    assert time.monotonic() - began < 0.5
    assert hub.calls == []


def test_a_token_without_rights_on_the_repository_is_told_in_one_sentence(hub: FakeHub) -> None:
    hub.fail("preupload", Status(403))
    with pytest.raises(PublishingError, match=r"^The Hub refuses the token for 'maker/numbers' \("):
        version_of([{"n": 1}]).push_to_hub(REPO)
    assert not pushed(hub).pushed


def test_a_card_that_the_hub_refuses_is_told_in_its_words(hub: FakeHub) -> None:
    body = json.dumps({"errors": [{"message": '"license" must be one of mit, odbl'}]})
    hub.fail("validate", Status(400, body))
    with pytest.raises(PublishingError, match=r'refused the dataset .*"license" must be one of'):
        version_of([{"n": 1}]).push_to_hub(REPO)
    assert not pushed(hub).pushed


def test_a_refusal_is_told_in_the_words_of_the_hub(hub: FakeHub) -> None:
    hub.fail("commit", Status(400, json.dumps({"error": "your storage is full"})))
    with pytest.raises(PublishingError, match=r"\(400\): your storage is full"):
        version_of([{"n": 1}]).push_to_hub(REPO)
    assert hub.calls.count("commit") == 1


def test_a_hub_that_does_not_answer_is_told_in_one_sentence(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_commit, "_ATTEMPTS", 2)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    with pytest.raises(
        PublishingError, match=r"could not be reached .* nothing has to be generated"
    ):
        version_of([{"n": 1}]).push_to_hub(REPO)


def test_a_destination_delivers_to_the_folder_and_to_the_hub(hub: FakeHub, tmp_path: Path) -> None:
    out = tmp_path / "out"
    destination = FlowSettings(output=str(out), repo=REPO, private=True)
    destination.check()
    summary = destination.deliver(version_of([{"n": 1}]))
    assert summary["folder"] == str(out)
    assert summary["commit"].endswith(pushed(hub).head.id)
    assert contents(out).items() <= pushed(hub).files.items()
    assert pushed(hub).private
