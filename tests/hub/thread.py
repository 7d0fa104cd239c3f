"""The Hub in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.hub.server import FakeHub
from tests.serving import serving


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Serve an empty Hub on a free port while the block runs."""
    hub = FakeHub()

    def make() -> web.AppRunner:
        return web.AppRunner(hub.application(), access_log=None, shutdown_timeout=0)

    async def listen(runner: web.AppRunner) -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        hub.port = runner.addresses[0][1]

    with serving("fake-hub", make, listen):
        yield hub
