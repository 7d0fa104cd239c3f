"""`stillhouse ui`."""

from __future__ import annotations

import signal
import threading

from flows.runtime.server import local_server


def serve_ui(port: int) -> None:
    """Serve the Prefect UI until interrupted.

    Raises:
        ServerError: the server did not start, for example because the port is taken.
    """
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with local_server(port=port, scheduling=True) as server:
        print(f"Prefect UI: {server.ui_url}", flush=True)
        print(
            "Runs of this folder are recorded here while it is open. Stop with Ctrl-C.", flush=True
        )
        stopped.wait()
