"""What goes wrong while a published version comes back, and what is left then."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.publishing.errors import PublishingError
from flows.publishing.hub import fetch
from flows.versions.saved import SavedVersion
from tasks.export import hub_commit
from tests.flows.publishing.conftest import REPO, MakeVersion, published, pushed
from tests.flows.versions import contents, version_of
from tests.hub import (
    Cut,
    FakeHub,
    LostAnswer,
    Stalled,
    Status,
    clients_of,
    hub_process,
)

# huggingface_hub uploads by LFS with an argument that httpx2 no longer likes.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

DATA = "data/train-00000-of-00001.parquet"


@pytest.mark.usefixtures("clients_do_not_wait")
@pytest.mark.parametrize(
    ("action", "fault"),
    [
        ("info", Status(500)),
        ("info", LostAnswer()),
        ("info", Status(429)),
        ("resolve", Status(500)),
        ("resolve", LostAnswer()),
        ("GET resolve", Status(503)),
        ("GET resolve", Status(429)),
        ("GET resolve", Cut(20)),
        ("GET resolve", LostAnswer()),
    ],
)
def test_trouble_on_the_way_is_got_over(
    action: str, fault: Status | LostAnswer | Cut, hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    version = made(1)
    published(version)
    hub.fail(action, fault, fault)
    assert fetch(REPO, "main", cold) is not None
    assert contents(cold) == contents(version.folder)


@pytest.mark.usefixtures("clients_do_not_wait")
@pytest.mark.parametrize("action", ["info", "resolve", "GET resolve"])
def test_a_hub_that_cannot_be_reached_is_an_error_and_never_no_version(
    action: str,
    hub: FakeHub,
    made: MakeVersion,
    cold: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published(made(1))
    monkeypatch.setattr(hub_commit, "_ATTEMPTS", 2)
    hub.fail(action, *[Status(503)] * 500)
    with pytest.raises(PublishingError, match=r"^The Hub .*(reached|503).*"):
        fetch(REPO, "main", cold)
    assert not cold.parent.exists() or not list(cold.parent.iterdir())


def test_a_file_that_is_not_what_the_manifest_says_is_told_and_the_old_folder_stays(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    fetch(REPO, "main", cold)
    before = contents(cold)
    published(made(1, 2))
    pushed(hub).commit("by hand", {DATA: b"mine", "pipeline.yaml": b"mine: too"})
    with pytest.raises(
        PublishingError,
        match=rf"^The version at '{REPO}@main' cannot be read: '{DATA}' and 1 more are missing or",
    ):
        fetch(REPO, "main", cold)
    assert contents(cold) == before


def test_a_file_that_was_deleted_on_the_hub_is_told(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    pushed(hub).commit("by hand", {}, [DATA])
    with pytest.raises(
        PublishingError, match=r"^The Hub refused the dataset 'maker/numbers' \(404"
    ):
        fetch(REPO, "main", cold)


def test_a_manifest_that_names_files_elsewhere_is_refused(
    hub: FakeHub, made: MakeVersion, cold: Path
) -> None:
    published(made(1))
    written = pushed(hub).files["manifest.json"].replace(b'"pipeline.yaml"', b'"../../outside"')
    pushed(hub).commit("by hand", {"manifest.json": written})
    with pytest.raises(PublishingError, match=r"manifest of the version .* been changed by hand"):
        fetch(REPO, "main", cold)


_FETCH = """
import sys
from pathlib import Path
from flows.publishing.hub import fetch
fetch("maker/numbers", "main", Path(sys.argv[1]))
"""

_PUSH = """
from tests.flows.versions import version_of
version_of([{"n": 1}]).push_to_hub("maker/numbers")
"""


def test_a_download_that_is_killed_leaves_no_version(tmp_path: Path) -> None:
    folder = tmp_path / "fetched"
    with hub_process() as hub:

        def working(code: str, *arguments: str) -> subprocess.Popen[bytes]:
            places = clients_of(hub.url, tmp_path / "hf")
            return subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                env={**os.environ, **places, "PYTHONWARNINGS": "ignore"},
                cwd=Path(__file__).parents[3],
                stderr=subprocess.DEVNULL,
            )

        assert working(_PUSH).wait(timeout=60) == 0
        hub.fail("GET resolve", Status(503), Stalled())
        began = hub.state()["calls"].count("resolve")
        with working(_FETCH, str(folder)) as killed:
            until = time.monotonic() + 60
            while hub.state()["calls"].count("resolve") < began + 4:
                assert time.monotonic() < until
                time.sleep(0.02)
            killed.kill()
        assert not folder.exists()
        assert working(_FETCH, str(folder)).wait(timeout=60) == 0
    assert version_of([{"n": 1}]).frame().equals(SavedVersion.open(folder).frame())
