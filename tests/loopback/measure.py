"""Measure the provider: `python -m tests.loopback.measure` prints requests a second on one core.

The provider's process is bound to the first core and the client to the last. Beside the wall time,
which other work on the machine lengthens, stand the CPU seconds that the provider used.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

from tests.loopback.process import LoopbackProcess, loopback_process

_CONNECTIONS = 64
_REQUESTS = 20_000
_PROMPT = "word " * 205


def main() -> None:
    """Measure and print one line of JSON."""
    with loopback_process() as provider:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(provider.pid, cores[:1])
        os.sched_setaffinity(0, cores[-1:])
        asyncio.run(_send(provider, _CONNECTIONS))
        used, started = _cpu_seconds(provider.pid), time.perf_counter()
        asyncio.run(_send(provider, _REQUESTS))
        seconds = time.perf_counter() - started
        used = _cpu_seconds(provider.pid) - used
        answered = provider.stats().answered
    assert answered == _CONNECTIONS + _REQUESTS, answered
    figures = {
        "requests": _REQUESTS,
        "requests_per_second": round(_REQUESTS / seconds),
        "cpu_ms_per_request": round(used / _REQUESTS * 1000, 3),
        "requests_per_cpu_second": round(_REQUESTS / used),
    }
    print(json.dumps(figures))


async def _send(provider: LoopbackProcess, requests: int) -> None:
    numbers = iter(range(requests))

    async def send_over_one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", provider.port)
        for number in numbers:
            message = {"role": "user", "content": f"{number} {_PROMPT}"}
            body = json.dumps({"model": "m", "messages": [message]}).encode()
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nAuthorization: Bearer key\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().split(b"content-length:")[1].split(b"\r\n")[0]
            await reader.readexactly(int(length))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send_over_one_connection() for _ in range(_CONNECTIONS)))


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
