"""Serve the Hub until it is told to end: `python -m tests.hub --port-file port --xet`.

The port is written to the file when the Hub listens. `GET /_state` tells what was called,
committed, tagged and uploaded; `POST /_fail` takes faults for requests to come. `--options` takes
the switches of `tests.hub.switches.Switches` as a JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path

from tests.hub.application import listen, runner
from tests.hub.server import FakeHub
from tests.hub.switches import Switches


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.hub",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--port-file", type=Path, help="the file to write the port to")
    parser.add_argument("--xet", action="store_true", help="take large files by Xet")
    parser.add_argument("--options", type=json.loads, default={}, help="switches, as JSON")
    arguments = parser.parse_args()
    unknown = arguments.options.keys() - Switches.__annotations__.keys()
    if unknown:
        raise SystemExit(f"unknown switches: {sorted(unknown)}")
    switches: Switches = arguments.options
    if arguments.xet:
        switches["xet"] = True
    asyncio.run(_serve(FakeHub(**switches), arguments.port, arguments.port_file))


async def _serve(hub: FakeHub, port: int, port_file: Path | None) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ready = runner(hub)
    try:
        await listen(hub, ready, port)
        print(hub.url, flush=True)
        if port_file is not None:
            _write(port_file, str(hub.port))
        await stop.wait()
    finally:
        await ready.cleanup()


def _write(file: Path, text: str) -> None:
    """Write a file so that nobody ever finds a half of it."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(text)
    draft.replace(file)


if __name__ == "__main__":
    main()
