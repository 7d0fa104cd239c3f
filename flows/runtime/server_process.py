"""The Prefect server as a child process that never outlives its parent.

Run as `python -m flows.runtime.server_process PORT`. It serves until its standard input closes,
which the operating system does when the parent ends, however it ends.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

_GRACE_SECONDS = 5.0


def _stop_with_parent() -> None:
    sys.stdin.buffer.read()
    threading.Timer(_GRACE_SECONDS, os._exit, [0]).start()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until the parent is gone."""
    import uvicorn

    watcher = threading.Thread(target=_stop_with_parent, daemon=True)
    watcher.start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    main()
