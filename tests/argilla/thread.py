"""Argilla in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.argilla.server import FakeArgilla
from tests.serving import serving


@contextmanager
def fake_argilla() -> Iterator[FakeArgilla]:
    """Serve an Argilla without datasets on a free port while the block runs."""
    argilla = FakeArgilla()

    def make() -> web.AppRunner:
        return web.AppRunner(argilla.application(), access_log=None, shutdown_timeout=0)

    async def listen(runner: web.AppRunner) -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        argilla.port = runner.addresses[0][1]

    with serving("fake-argilla", make, listen):
        yield argilla
