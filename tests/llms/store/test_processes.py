"""The names of processes tell which of them have ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from llms.store.processes import has_ended, this_process
from tests.llms.conftest import CHECKOUT, run_python

_NAME = "from llms.store import this_process; print(this_process(), flush=True)"


def test_every_name_of_a_process_is_new_and_lives() -> None:
    assert this_process() != this_process()
    assert not has_ended(this_process())


def test_a_process_that_ended_is_known_by_its_name() -> None:
    assert has_ended(run_python(_NAME))


def test_a_killed_process_that_nobody_waited_for_has_ended() -> None:
    command = [sys.executable, "-c", f"{_NAME}; input()"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert not has_ended(name)
        process.kill()
        assert process.stdout.read() == ""
        status = Path(f"/proc/{process.pid}/stat")
        while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
            pass
        assert has_ended(name)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_later_process_with_the_same_number_is_another_one() -> None:
    front, _, random = this_process().rpartition("-")
    start = front.rpartition(":")[2]
    assert has_ended(f"{front.removesuffix(start)}{int(start) - 1}-{random}")


@pytest.mark.parametrize("name", ["elsewhere:999999999:0-a", "elsewhere:1:a", "nobody", "", "::"])
def test_what_cannot_be_known_to_have_ended_lives(name: str) -> None:
    assert not has_ended(name)
