"""Whatever fails on the way to the Hub: one commit with the right content, and one tag."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from flows.publishing.errors import PublishingError
from flows.publishing.hub import publish
from flows.publishing.targets import HubTarget
from tasks.export import hub_commit
from tests.flows.publishing.conftest import REPO, MakeVersion, published, pushed, tags_of
from tests.flows.versions import contents
from tests.hub import (
    Cut,
    FakeHub,
    Fault,
    LostAnswer,
    Overtaken,
    Stalled,
    Status,
    clients_of,
    hub_process,
)

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

FIRST, SECOND = "numbers v1: 1 rows", "numbers v2: 2 rows"


@pytest.mark.usefixtures("clients_do_not_wait", "one_row_a_shard")
@pytest.mark.parametrize(
    ("action", "faults"),
    [
        *(
            (action, [Status(code)])
            for action in ("commit", "tag")
            for code in (409, 429, 500, 503)
        ),
        ("commit", [Status(408), Status(412), Status(504)]),
        ("commit", [LostAnswer()]),
        ("commit", [Cut(100)]),
        ("tag", [LostAnswer()]),
        ("tag", [Status(500), LostAnswer()]),
        ("refs", [Status(500), Status(502)]),
        ("refs", [LostAnswer()]),
        ("upload", [Cut(100)]),
        ("upload", [Status(403)]),
        ("batch", [LostAnswer()]),
        ("preupload", [LostAnswer()]),
        ("info", [Status(502)]),
        ("info", [LostAnswer()]),
        ("tree", [Status(500)]),
        ("resolve", [Status(500), Status(503), Status(500)]),
        ("GET resolve", [Status(503)]),
        ("GET resolve", [Cut(10)]),
        ("whoami", [Status(429)]),
        ("create", [Status(503)]),
        ("create", [LostAnswer()]),
        ("validate", [Status(503)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(_named(it) for it in value),
)
def test_one_commit_with_the_right_files_and_one_tag(
    action: str,
    faults: list[Fault],
    hub: FakeHub,
    made: MakeVersion,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(made(1, 2, 3))
    version = made(1, 9)
    # As on a machine that has never seen the repository.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "another-cache"))
    hub.calls.clear()
    hub.fail(action, *faults)
    done = published(version)
    repository = pushed(hub)
    first = "numbers v1: 3 rows"
    assert [commit.title for commit in repository.pushed] == [first, SECOND]
    files = {name: content for name, content in repository.files.items() if name[0] != "."}
    assert files == contents(version.folder)
    assert tags_of(repository) == {"v1": [first], "v2": [first, SECOND]}
    assert done.address.endswith(repository.head.id)
    assert (done.version, done.committed) == ("v2", True)
    assert hub.calls.count(action.split()[-1]) >= len(faults)


def _named(fault: Fault) -> str:
    return str(fault.code) if isinstance(fault, Status) else type(fault).__name__


def test_the_first_version_survives_a_lost_answer_to_the_making_of_its_repository(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail("create", LostAnswer())
    published(made(1))
    assert tags_of(pushed(hub)) == {"v1": [FIRST]}


@pytest.mark.parametrize("action", ["commit", "tag"])
@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "1"}, {"RateLimit": '"api";r=0;t=0'}],
    ids=["retry-after", "rate-limit"],
)
def test_the_hub_says_how_long_to_wait(
    headers: dict[str, str], action: str, hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail(action, Status(429, headers=headers))
    began = time.monotonic()
    published(made(1))
    assert time.monotonic() - began >= 1
    assert tags_of(pushed(hub)) == {"v1": [FIRST]}


def test_a_hub_that_wants_to_be_left_alone_for_long_is_told(
    hub: FakeHub, made: MakeVersion
) -> None:
    hub.fail("commit", Status(429, headers={"Retry-After": "3600"}))
    with pytest.raises(PublishingError, match=r"no more requests .* for 60 minutes; run again"):
        published(made(1))
    assert not pushed(hub).pushed


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub: FakeHub, made: MakeVersion) -> None:
    hub.fail("commit", LostAnswer())
    done = published(made(1))
    (commit,) = pushed(hub).pushed
    assert done.committed
    assert done.address.endswith(commit.id)
    assert hub.calls.count("commit") == 1


def test_a_commit_of_somebody_else_in_between_is_kept(hub: FakeHub, made: MakeVersion) -> None:
    hub.fail("commit", Overtaken({"LICENSE": b"mine"}))
    version = made(1)
    published(version)
    titles = ["somebody else's", FIRST]
    assert [commit.title for commit in pushed(hub).pushed] == titles
    assert pushed(hub).files["LICENSE"] == b"mine"
    assert tags_of(pushed(hub)) == {"v1": titles}
    assert "LICENSE" not in contents(version.folder)


def test_a_version_that_somebody_else_published_in_between_comes_before_ours(
    hub: FakeHub, made: MakeVersion
) -> None:
    theirs, ours = made(7, 8, 9), made(1, 2)
    publish(theirs, HubTarget(repo="maker/elsewhere"))
    hub.fail("commit", Overtaken(contents(theirs.folder)))
    assert published(ours).version == "v2"
    repository = pushed(hub)
    assert [commit.title for commit in repository.pushed] == ["somebody else's", SECOND]
    assert json.loads(repository.files["manifest.json"])["version"] == 2
    assert (
        b'load_dataset("maker/numbers", split="train", revision="v2")'
        in (repository.files["README.md"])
    )
    assert tags_of(repository) == {
        "v1": ["somebody else's"],
        "v2": ["somebody else's", SECOND],
    }


def test_the_same_version_that_somebody_else_published_in_between_is_not_published_again(
    hub: FakeHub, made: MakeVersion
) -> None:
    theirs = made(1)
    publish(theirs, HubTarget(repo="maker/elsewhere"))
    hub.fail("commit", Overtaken(contents(theirs.folder)))
    assert published(made(1)).version == "v1"
    assert tags_of(pushed(hub)) == {"v1": ["somebody else's"]}


def test_a_hub_that_does_not_answer_is_told_in_one_sentence(
    hub: FakeHub, made: MakeVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_commit, "_ATTEMPTS", 2)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    with pytest.raises(
        PublishingError, match=r"could not be reached .* nothing has to be generated"
    ):
        published(made(1))


_PUBLISH = """
import sys
from flows.publishing.hub import publish
from flows.publishing.targets import HubTarget
from flows.versions.saved import SavedVersion
print(publish(SavedVersion.open(sys.argv[1]), HubTarget(repo="maker/numbers")).committed)
"""


def test_a_process_killed_between_commit_and_tag_is_finished_by_the_next(
    made: MakeVersion, tmp_path: Path
) -> None:
    version = made(1)
    with hub_process() as hub:
        environment = {**os.environ, "PYTHONWARNINGS": "ignore", **clients_of(hub.url, tmp_path)}

        def publishing() -> subprocess.Popen[str]:
            return subprocess.Popen(
                [sys.executable, "-c", _PUBLISH, str(version.folder)],
                env=environment,
                cwd=Path(__file__).parents[3],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )

        hub.fail("tag", Stalled())
        with publishing() as killed:
            until = time.monotonic() + 60
            while "tag" not in hub.state()["calls"]:
                assert time.monotonic() < until
                time.sleep(0.02)
            killed.kill()
        told = hub.state()["repositories"][REPO]
        assert [commit["title"] for commit in told["commits"][1:]] == [FIRST]
        assert not told["tags"]
        assert publishing().communicate(timeout=60)[0].strip() == "False"
        told = hub.state()["repositories"][REPO]
    assert [commit["title"] for commit in told["commits"][1:]] == [FIRST]
    assert told["tags"] == {"v1": told["branches"]["main"]}
