"""Where runs are recorded: the user's Prefect server, or one of our own for as long as it takes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from llms.errors import StillhouseError
from llms.home import home

SERVER_SETTINGS = {
    # One event at a time is the default: the record of a run then lags half a minute behind it.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}

SCHEDULING_OFF = {
    # A server that lives as long as one run has nothing to schedule.
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
}

_START_SECONDS = 120.0
_NOTE = "server.json"


class ServerError(StillhouseError):
    """The local Prefect server did not start."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A Prefect server of this machine."""

    api_url: str
    ui_url: str


@contextmanager
def local_server(
    *, port: int | None = None, scheduling: bool = False, folder: Path | None = None
) -> Iterator[LocalServer]:
    """Run a Prefect server for the time of a block; it ends with this process, however that ends.

    With `scheduling` it also starts scheduled runs, and other processes of the workspace find it
    with `running_server`.

    Raises:
        ServerError: it did not come up.
    """
    folder = folder or home() / "prefect"
    folder.mkdir(parents=True, exist_ok=True)
    port = port or _free_port()
    server = LocalServer(f"http://127.0.0.1:{port}/api", f"http://127.0.0.1:{port}")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"},
        **SERVER_SETTINGS,
        **({} if scheduling else SCHEDULING_OFF),
        "PREFECT_HOME": str(folder),
        "PREFECT_UI_API_URL": server.api_url,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
    }
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.runtime.server_process", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
        )
    note = folder / _NOTE
    try:
        _wait_until_healthy(server, process, log)
        if scheduling:
            note.write_text(json.dumps(asdict(server)), encoding="utf-8")
        yield server
    finally:
        if scheduling:
            note.unlink(missing_ok=True)
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def running_server(folder: Path | None = None) -> LocalServer | None:
    """Return the server that `stillhouse ui` runs for this workspace, if it does."""
    note = (folder or home() / "prefect") / _NOTE
    try:
        server = LocalServer(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return server if is_healthy(server.api_url) else None


def is_healthy(api_url: str) -> bool:
    """Tell whether a Prefect server answers."""
    try:
        with urlopen(f"{api_url}/health", timeout=2) as reply:
            return bool(json.load(reply) is True)
    except (URLError, OSError, ValueError):
        return False


def _wait_until_healthy(server: LocalServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_healthy(server.api_url):
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServerError(
                f"The local Prefect server did not start; the reason is at the end of {log}."
            )
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
