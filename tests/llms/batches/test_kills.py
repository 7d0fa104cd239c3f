"""A process killed at any moment: the next one submits nothing twice and books nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from llms import Gateway
from llms.gateway import Budget
from tests.llms.batches.asking import answered, ask, batched, booked, left_in, words
from tests.llms.batches.conftest import (
    Answered,
    OpenBatchGateway,
    WatchedProvider,
    watched_provider,
)
from tests.llms.conftest import CHECKOUT, wait_until
from tests.loopback.http import Disconnect, Response

FEW, MANY = 40, 500


@dataclass
class Killer:
    """Kills a process from inside the provider, and answers nothing more to it."""

    pid: int = 0
    done: bool = False

    def __call__(self) -> Disconnect:
        os.kill(self.pid, signal.SIGKILL)
        self.done = True
        return Disconnect()


def before_the_provider_has_it(provider: WatchedProvider, kill: Killer) -> None:
    provider.before = lambda asked: kill() if asked == "POST /v1/files" else None


def between_file_and_job(provider: WatchedProvider, kill: Killer) -> None:
    provider.before = lambda asked: kill() if _makes_a_job(asked) else None


def before_its_id_is_saved(provider: WatchedProvider, kill: Killer) -> None:
    provider.after = lambda asked, response: kill() if _makes_a_job(asked) else None


def before_the_results(provider: WatchedProvider, kill: Killer) -> None:
    provider.batches.seconds = 600.0
    provider.after = lambda asked, response: kill() if _looks(asked) else None


def amid_the_results(provider: WatchedProvider, kill: Killer) -> None:
    seen: list[str] = []

    def after(asked: str, response: Response) -> Answered | None:
        if not asked.endswith("/content"):
            return None
        seen.append(asked)
        # half of the file is stored when the other half is asked for
        return kill() if len(seen) > 1 else _half(response)

    provider.after = after


def _half(response: Response) -> Response:
    return Response(response.body, content_type=response.content_type, share=0.6)


def _makes_a_job(asked: str) -> bool:
    return asked in ("POST /v1/batches", "POST /v1/batch/jobs")


def _looks(asked: str) -> bool:
    return asked.startswith(("GET /v1/batches/", "GET /v1/batch/jobs/"))


@contextmanager
def asking(
    name: str, port: int, store: Path, rows: int, quiet: float = 0.3
) -> Iterator[subprocess.Popen[str]]:
    """Run a process that asks, until it is killed."""
    script = [sys.executable, "-m", "tests.llms.batches.asking"]
    command = [*script, name, str(port), str(store), str(rows), str(quiet)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asking\n"
        try:
            yield process
        finally:
            process.kill()


def finish(gateway: Gateway, name: str, provider: WatchedProvider, rows: int) -> None:
    """Ask again, in another process than the killed one, and check that all is right."""
    provider.before = lambda asked: None
    provider.after = lambda asked, response: None
    provider.batches.seconds = 0.0
    texts = words(rows)
    assert answered(ask(gateway, batched(name, provider), texts, Budget(usd=100.0)), texts) == rows
    stats = provider.stats()
    assert (stats.jobs, stats.job_lines, stats.duplicate_lines) == (1, rows, 0)
    assert booked(gateway).requests == gateway.store.count() == rows
    wait_until(lambda: left_in(gateway) == (0, 0))


@pytest.mark.parametrize(
    ("name", "plan"),
    [
        ("openai", before_the_provider_has_it),
        ("openai", between_file_and_job),
        ("openai", before_its_id_is_saved),
        ("openai", before_the_results),
        ("openai", amid_the_results),
        ("mistral", before_its_id_is_saved),
        ("mistral", amid_the_results),
    ],
)
def test_a_process_killed_on_the_way_is_followed_up_without_a_second_job(
    name: str,
    plan: Callable[[WatchedProvider, Killer], None],
    store_path: Path,
    open_gateway: OpenBatchGateway,
) -> None:
    rows = MANY if plan is amid_the_results else FEW
    with watched_provider() as provider:
        kill = Killer()
        plan(provider, kill)
        with asking(name, provider.port, store_path, rows) as process:
            kill.pid = process.pid
            process.wait(timeout=20)
        assert kill.done
        assert process.returncode == -signal.SIGKILL
        gateway = open_gateway()
        if plan is amid_the_results:
            assert 0 < gateway.store.count() < rows
        finish(gateway, name, provider, rows)


def test_a_process_killed_before_it_writes_the_job_down_leaves_nothing(
    store_path: Path, open_gateway: OpenBatchGateway
) -> None:
    with watched_provider() as provider:
        with asking("openai", provider.port, store_path, FEW, quiet=60.0) as process:
            process.kill()
        assert provider.stats().files == 0
        finish(open_gateway(), "openai", provider, FEW)
