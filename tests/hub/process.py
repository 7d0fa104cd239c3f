"""The Hub in a process of its own, for tests that kill things and for trials by hand."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack
from urllib.request import Request, urlopen

from tests.hub.faults import Fault, fault_in_json
from tests.hub.switches import Switches

_CHECKOUT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class HubProcess:
    """Where the Hub listens, and how to look at it from outside."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """The address, as `HF_ENDPOINT` takes it."""
        return f"http://127.0.0.1:{self.port}"

    def state(self) -> dict[str, Any]:
        """Return `calls`, `uploaded_bytes` and `repositories`, each with its refs and commits."""
        with urlopen(f"{self.url}/_state", timeout=_PATIENCE_SECONDS) as response:
            return dict(json.load(response))

    def fail(self, action: str, *faults: Fault) -> None:
        """Give the next requests of an action one fault each."""
        asked = {"action": action, "faults": [fault_in_json(fault) for fault in faults]}
        request = Request(f"{self.url}/_fail", data=json.dumps(asked).encode())
        urlopen(request, timeout=_PATIENCE_SECONDS).close()


@contextmanager
def hub_process(**switches: Unpack[Switches]) -> Iterator[HubProcess]:
    """Run the Hub as `python -m tests.hub` while the block runs."""
    with TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [sys.executable, "-m", "tests.hub", "--port-file", str(port_file)]
        command += ["--options", json.dumps(switches)]
        with subprocess.Popen(command, cwd=_CHECKOUT) as process:
            try:
                yield HubProcess(_port_in(port_file, process), process.pid)
            finally:
                process.terminate()


def _port_in(file: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not file.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the Hub did not start")
        time.sleep(0.02)
    return int(file.read_text())
