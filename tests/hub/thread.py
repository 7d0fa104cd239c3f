"""The Hub in a thread of the test process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from aiohttp import web

from tests.hub.server import FakeHub


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serve an empty Hub on a free port while the block runs."""
    hub = FakeHub()
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        runner = web.AppRunner(hub.application(), access_log=None, shutdown_timeout=0)
        stop = asyncio.Event()
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            hub.port = runner.addresses[0][1]
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise
        finally:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="fake-hub")
    thread.start()
    loop, stop = started.result()
    try:
        yield hub
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
