"""The Hub in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Unpack

import pytest
from aiohttp import web

from tests.hub.application import listen, runner
from tests.hub.clients import lead_to
from tests.hub.server import FakeHub
from tests.hub.switches import Switches
from tests.serving import serving


@contextmanager
def fake_hub(**switches: Unpack[Switches]) -> Iterator[FakeHub]:
    """Serve an empty Hub on a free port while the block runs."""
    hub = FakeHub(**switches)

    async def start(ready: web.AppRunner) -> None:
        await listen(hub, ready)

    with serving("fake-hub", lambda: runner(hub), start):
        yield hub


@contextmanager
def hub_of_this_process(
    home: Path, monkeypatch: pytest.MonkeyPatch, **switches: Unpack[Switches]
) -> Iterator[FakeHub]:
    """Serve an empty Hub to the clients in this process, which are logged in as a writer.

    They keep what they download below `home`. Processes that inherit the environment are clients
    of the same Hub.
    """
    with fake_hub(**switches) as hub:
        lead_to(hub.url, home, monkeypatch, xet=hub.xet)
        yield hub
