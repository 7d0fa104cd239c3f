"""The Hub in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from huggingface_hub import constants

from tasks.export import hub_commit
from tests.hub.server import WRITER, FakeHub
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


@contextmanager
def hub_of_this_process(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """Serve an empty Hub to the clients in this process, which are logged in as a writer."""
    with fake_hub() as hub:
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub-cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", WRITER)
        monkeypatch.setattr(hub_commit, "_FIRST_WAIT_SECONDS", 0.02)
        yield hub
