"""Serve the provider until standard input closes: `python -m tests.loopback --latency 0.2`.

The first line of output is JSON: `{"port": 40123, "url": "http://127.0.0.1:40123/v1"}`.
`GET /stats` returns the counters, `POST /reset` sets them to zero. `--options` takes the switches
of `ProcessSwitches` as a JSON object, such as
`{"slots": 8, "limits": {"requests_per_minute": 60}, "faults": {"429": 0.05}, "seed": 1}`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from typing import Any, cast

from tests.loopback.faults import mixed_faults
from tests.loopback.limits import Limits
from tests.loopback.provider import LoopbackProvider
from tests.loopback.switches import ProcessSwitches, Switches


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.loopback",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--latency", type=float, help="seconds for each answer")
    parser.add_argument(
        "--keep-bodies", action="store_true", default=None, help="show the bodies in /stats"
    )
    parser.add_argument("--options", type=json.loads, default={}, help="switches, as JSON")
    arguments = parser.parse_args()
    flags = {"latency": arguments.latency, "keep_bodies": arguments.keep_bodies}
    given = {name: value for name, value in flags.items() if value is not None}
    switches = _read({"keep_bodies": False, **arguments.options, **given})
    asyncio.run(_serve(LoopbackProvider(**switches), arguments.port))


def _read(options: dict[str, Any]) -> Switches:
    unknown = options.keys() - ProcessSwitches.__annotations__.keys()
    if unknown:
        raise SystemExit(f"unknown switches: {sorted(unknown)}")
    plain = {n: v for n, v in options.items() if n not in ("faults", "seed", "limits")}
    switches = cast(Switches, plain)
    if limits := options.get("limits"):
        switches["limits"] = Limits(**limits)
    if faults := options.get("faults"):
        switches["fault"] = mixed_faults(faults, options.get("seed", 0))
    return switches


async def _serve(provider: LoopbackProvider, port: int) -> None:
    server = provider.runner()
    await provider.listen(server, port)
    print(json.dumps({"port": provider.port, "url": provider.url}), flush=True)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def wait_for_the_end_of_input() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_the_end_of_input, daemon=True).start()
    try:
        await stop.wait()
    finally:
        await server.cleanup()


if __name__ == "__main__":
    main()
