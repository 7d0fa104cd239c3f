"""Serve the provider until standard input closes: `python -m tests.loopback --latency 0.2`.

The first line of output is JSON: `{"port": 40123, "url": "http://127.0.0.1:40123/v1"}`.
`GET /stats` returns the counters, `POST /reset` sets them to zero.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading

from tests.loopback.provider import LoopbackProvider


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    parser.add_argument("--keep-bodies", action="store_true", help="show the bodies in /stats")
    arguments = parser.parse_args()
    provider = LoopbackProvider(latency=arguments.latency, keep_bodies=arguments.keep_bodies)
    asyncio.run(_serve(provider, arguments.port))


async def _serve(provider: LoopbackProvider, port: int) -> None:
    runner = provider.runner()
    await provider.listen(runner, port)
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
        await runner.cleanup()


if __name__ == "__main__":
    main()
