"""The provider in a process of its own, for tests that kill things and for load."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.loopback.provider import Stats

_CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LoopbackProcess:
    """Where the provider listens, and how to read its counters."""

    port: int

    @property
    def root(self) -> str:
        """The server's address without a path, as Mistral's client wants it."""
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
def loopback_process(
    *, latency: float = 0.0, keep_bodies: bool = False
) -> Iterator[LoopbackProcess]:
    """Run the provider as `python -m tests.loopback` while the block runs."""
    command = [sys.executable, "-m", "tests.loopback", "--latency", str(latency)]
    if keep_bodies:
        command.append("--keep-bodies")
    with subprocess.Popen(
        command, cwd=_CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:
            yield LoopbackProcess(json.loads(process.stdout.readline())["port"])
