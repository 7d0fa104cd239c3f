"""The provider in a thread of the test process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from tests.loopback.faults import FaultPlan
from tests.loopback.provider import LoopbackProvider, Reply, default_reply


@contextmanager
def loopback_provider(
    *,
    reply: Reply = default_reply,
    latency: float = 0.0,
    fault: FaultPlan | None = None,
    keep_bodies: bool = True,
) -> Iterator[LoopbackProvider]:
    """Serve a provider on a free port while the block runs.

    `reply` turns a request body into the answer's text, `latency` is seconds for each answer,
    `fault` says which requests fail and how.
    """
    provider = LoopbackProvider(reply=reply, latency=latency, fault=fault, keep_bodies=keep_bodies)
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        runner = provider.runner()
        stop = asyncio.Event()
        try:
            await provider.listen(runner)
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise
        finally:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="loopback-provider")
    thread.start()
    loop, stop = started.result()
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
