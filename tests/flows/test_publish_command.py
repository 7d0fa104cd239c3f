"""The command `stillhouse publish`: a saved version goes out later, without a run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from flows.command.app import main
from flows.command.publish import publish_version
from flows.versions.saved import SavedVersion
from tests.flows.versions import version_of
from tests.hub import FakeHub, hub_of_this_process

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

REPO = "maker/numbers"
Publish = Callable[..., str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with hub_of_this_process(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a saved version."""
    return version_of([{"n": 1}]).save_to_disk(tmp_path / "dataset")


@pytest.fixture
def publish(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Publish:
    """Runs the command for the folder and returns what it says."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["stillhouse", "publish", str(folder), *arguments])
        status: object = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code
        printed = capsys.readouterr()
        # The Hub's client draws its progress there.
        told = [line for line in printed.err.splitlines() if line.startswith("stillhouse: ")]
        assert status == bool(told)
        return "\n".join(told) or printed.out

    return run


def test_it_prints_version_and_address_and_then_that_nothing_changed(
    hub: FakeHub, publish: Publish
) -> None:
    first, again = publish("--repo", REPO), publish("--repo", REPO)
    repository = hub.repositories[REPO]
    (commit,) = repository.pushed
    assert first == f"Published v1: {hub.url}/datasets/{REPO}/commit/{commit.id}\n"
    assert again.startswith("Nothing changed: v1 is there, http")
    assert repository.tags == {"v1": commit.id}


def test_a_private_pull_request_is_opened_and_tagged_once_it_is_merged(
    hub: FakeHub, publish: Publish
) -> None:
    said = publish("--repo", REPO, "--private", "--pull-request")
    assert said.splitlines() == [
        f"Pull request with v1: {hub.url}/datasets/{REPO}/discussions/1",
        "Once it is merged, publish again or refresh: the version gets its tag then.",
    ]
    repository = hub.repositories[REPO]
    assert repository.private
    HfApi().merge_pull_request(REPO, 1, repo_type="dataset")
    assert publish("--repo", REPO).startswith("Nothing changed: v1 is there")
    assert repository.tags == {"v1": repository.head.id}


def test_a_branch_is_made(hub: FakeHub, publish: Publish) -> None:
    assert publish("--repo", REPO, "--branch", "review").startswith("Published v1: ")
    assert set(hub.repositories[REPO].branches) == {"main", "review"}


def test_it_publishes_to_a_url(publish: Publish, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/remote"
    assert publish("--to", url) == f"Published v1: {url}/v1\n"
    assert publish("--to", url) == f"Nothing changed: v1 is there, {url}/v1\n"


def test_the_card_is_written_anew_from_the_folder(
    hub: FakeHub, folder: Path, publish: Publish
) -> None:
    card = folder / "README.md"
    local = card.read_text("utf-8")
    assert "path/of/this/folder" in local
    card.write_text(local.replace("# numbers", "# stale") + "\nMine.\n", "utf-8")
    publish("--repo", REPO)
    there = hub.repositories[REPO].files["README.md"].decode()
    assert "# stale" not in there
    assert f'load_dataset("{REPO}"' in there
    assert there.endswith("\nMine.\n")
    assert card.read_text("utf-8") == there


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "Name one place to publish to: --repo owner/name for the Hub, or --to URL."),
        (("--repo", REPO, "--to", "memory://x"), "Name one place to publish to"),
        (("--to", "memory://x", "--private"), "are for --repo only."),
    ],
    ids=["nowhere", "two-places", "private-url"],
)
def test_it_says_what_is_missing(options: tuple[str, ...], sentence: str, publish: Publish) -> None:
    assert sentence in publish(*options)


def test_a_folder_that_is_no_version_is_told(tmp_path: Path, publish: Publish) -> None:
    (tmp_path / "dataset" / "manifest.json").unlink()
    assert "dataset' is not a dataset folder of ours." in publish("--repo", REPO)


def test_a_version_can_be_given_as_such(hub: FakeHub, folder: Path) -> None:
    assert publish_version(SavedVersion.open(folder), REPO).version == "v1"
