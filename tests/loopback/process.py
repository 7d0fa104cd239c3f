"""The provider in a process of its own, for tests that kill things and for load."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Unpack
from urllib.request import Request, urlopen

from tests.loopback.stats import Stats
from tests.loopback.switches import ProcessSwitches

_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LoopbackProcess:
    """Where the provider listens, its process, and how to read its counters."""

    port: int
    pid: int

    @property
    def root(self) -> str:
        """The server's address without a path, as most clients but OpenAI's want it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for OpenAI's client."""
        return f"{self.root}/v1"

    def stats(self) -> Stats:
        """Return the counters as they are now."""
        counters = self._call("GET", "/stats")
        counters.pop("duplicates")
        return Stats(**counters)

    def reset(self) -> None:
        """Set the counters to zero."""
        self._call("POST", "/reset")

    def _call(self, method: str, path: str) -> dict[str, Any]:
        with urlopen(Request(self.root + path, method=method), timeout=30) as response:
            return dict(json.load(response))


@contextmanager
def loopback_process(**switches: Unpack[ProcessSwitches]) -> Iterator[LoopbackProcess]:
    """Run the provider as `python -m tests.loopback` while the block runs.

    Bodies are not kept unless `keep_bodies` says so.
    """
    options = json.dumps(switches, default=_as_plain)
    command = [sys.executable, "-m", "tests.loopback", "--options", options]
    with subprocess.Popen(
        command, cwd=_CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:
            port = json.loads(process.stdout.readline())["port"]
            yield LoopbackProcess(port, process.pid)


def _as_plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else list(value)
