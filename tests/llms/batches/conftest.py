"""A provider whose batch API fails where a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Protocol, Unpack

import pytest

from llms import Gateway
from llms.batches.timing import BatchTiming
from tests.llms.batches.asking import QUICK, open_batch_gateway
from tests.loopback import LoopbackProvider
from tests.loopback.http import Disconnect, HttpServer, Request, Response
from tests.loopback.switches import Switches
from tests.serving import serving

Answered = Response | Disconnect


class WatchedProvider(LoopbackProvider):
    """Shows every request to `before`, and its answer to `after`; either may answer instead."""

    def __init__(self, **switches: Unpack[Switches]) -> None:
        super().__init__(**switches)
        self.before: Callable[[str], Answered | None] = lambda asked: None
        self.after: Callable[[str, Response], Answered | None] = lambda asked, response: None

    def runner(self) -> HttpServer:
        return HttpServer(self._watched)

    async def _watched(self, request: Request) -> Answered:
        asked = f"{request.method} {request.path}"
        if instead := self.before(asked):
            return instead
        response = await self._handle(request)
        if isinstance(response, Disconnect):
            return response
        return self.after(asked, response) or response


@contextmanager
def watched_provider(**switches: Unpack[Switches]) -> Iterator[WatchedProvider]:
    """Serve a watched provider on a free port while the block runs."""
    provider = WatchedProvider(**switches)
    with serving("watched-provider", provider.runner, provider.listen):
        yield provider


class OpenBatchGateway(Protocol):
    """Opens a gateway on the test's store; it closes with the test."""

    def __call__(self, timing: BatchTiming = QUICK, *, attempts: int = 3) -> Gateway: ...


@pytest.fixture(params=["openai", "mistral"])
def name(request: pytest.FixtureRequest) -> str:
    """The test runs with OpenAI's batch API and with Mistral's."""
    return str(request.param)


@pytest.fixture
def open_gateway(store_path: Path) -> Iterator[OpenBatchGateway]:
    """Opens gateways one after another, as processes would."""
    with ExitStack() as stack:

        def open_one(timing: BatchTiming = QUICK, *, attempts: int = 3) -> Gateway:
            gateway = open_batch_gateway(store_path, timing, attempts)
            return stack.enter_context(closing(gateway))

        yield open_one


@pytest.fixture
def gateway(open_gateway: OpenBatchGateway) -> Gateway:
    """A gateway that submits what it has gathered almost at once."""
    return open_gateway()
