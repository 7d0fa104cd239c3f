"""The Hub on loopback in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.hub import (
    WRITER,
    HubProcess,
    LostAnswer,
    Overtaken,
    Stalled,
    Status,
    clients_of,
    hub_process,
)
from tests.hub.conftest import REPO

_PUSH = """
import os
from huggingface_hub import CommitOperationAdd, HfApi
api = HfApi()
api.create_repo("maker/numbers", repo_type="dataset", exist_ok=True)
operations = [CommitOperationAdd("data.parquet", bytes(range(256)) * 100)]
made = api.create_commit(
    "maker/numbers", operations, commit_message="pushed", repo_type="dataset"
)
api.create_tag("maker/numbers", tag="v1", repo_type="dataset")
print(made.oid)
"""


def pushing(hub: HubProcess, home: Path, *, xet: bool = False) -> subprocess.Popen[str]:
    """Start a process that pushes to the Hub and prints the commit."""
    environment = {"PATH": "", "PYTHONWARNINGS": "ignore", **clients_of(hub.url, home, xet=xet)}
    return subprocess.Popen(
        [sys.executable, "-c", _PUSH],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize("xet", [False, True], ids=["lfs", "xet"])
def test_another_process_pushes_and_the_state_tells(xet: bool, tmp_path: Path) -> None:
    with hub_process(xet=xet) as hub:
        oid = pushing(hub, tmp_path, xet=xet).communicate(timeout=60)[0].strip()
        state = hub.state()
    told = state["repositories"][REPO]
    assert told["branches"] == {"main": oid}
    assert told["tags"] == {"v1": oid}
    assert [made["title"] for made in told["commits"]] == ["initial commit", "pushed"]
    assert told["commits"][1]["added"] == ["data.parquet"]
    assert state["calls"][-2:] == ["commit", "tag"]
    assert ("xorb" in state["calls"]) == xet
    assert state["uploaded_bytes"] > 0
    assert xet or state["uploaded_bytes"] == 25_600


def test_a_client_that_is_killed_in_the_middle_leaves_the_hub_as_it_was(tmp_path: Path) -> None:
    with hub_process() as hub:
        hub.fail("commit", Stalled())
        with pushing(hub, tmp_path) as killed:
            until = time.monotonic() + 60
            while "commit" not in hub.state()["calls"]:
                assert time.monotonic() < until
                time.sleep(0.02)
            killed.kill()
        assert len(hub.state()["repositories"][REPO]["commits"]) == 1
        oid = pushing(hub, tmp_path).communicate(timeout=60)[0].strip()
        told = hub.state()["repositories"][REPO]
    assert [made["id"] for made in told["commits"][1:]] == [oid]
    assert told["tags"] == {"v1": oid}


def test_faults_can_be_sent_to_it() -> None:
    with hub_process() as hub:
        api = HfApi(endpoint=hub.url, token=WRITER)
        hub.fail("create", Status(429, headers={"Retry-After": "1"}))
        with pytest.raises(HfHubHTTPError) as caught:
            api.create_repo(REPO, repo_type="dataset")
        assert caught.value.response.headers["Retry-After"] == "1"
        api.create_repo(REPO, repo_type="dataset")
        hub.fail("info", Overtaken({"a.bin": b"\xff\x00"}))
        assert "a.bin" in {
            file.rfilename for file in api.dataset_info(REPO, files_metadata=False).siblings or []
        }
        hub.fail("tag", LostAnswer())
        with pytest.raises(httpx2.TransportError):
            api.create_tag(REPO, tag="v1", repo_type="dataset")
        assert list(hub.state()["repositories"][REPO]["tags"]) == ["v1"]
        assert hub.state()["repositories"][REPO]["commits"][-1]["title"] == "somebody else's"


def test_unknown_switches_are_told() -> None:
    command = [sys.executable, "-m", "tests.hub", "--options", '{"xett": true}']
    ran = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.strip() == "unknown switches: ['xett']"
