"""An HTTP API on 127.0.0.1 that answers what a test tells it, and shows what it was sent."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from llms import loop
from llms.chat import ChatRequest
from llms.llm import LLM, Reply
from tests.loopback import Hang, Reset
from tests.serving import serving


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it arrived; the names of headers are in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """A status, headers and a body: bytes as they are, anything else as JSON.

    With a `share` below 1 the connection is closed after that part of the body.
    """

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0


Behaviour = Answers | Hang | Reset


class RecordedAPI:
    """Answers every POST with `behaviour` and every GET with `listing`; keeps what was `sent`."""

    def __init__(self) -> None:
        self.behaviour: Behaviour = Answers({})
        self.listing: Any = {}
        self.sent: list[Sent] = []
        self.port = 0

    @property
    def root(self) -> str:
        """The server's address without a path."""
        return f"http://127.0.0.1:{self.port}"

    def runner(self) -> web.ServerRunner:
        """Return an aiohttp runner of this API."""
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        return web.ServerRunner(server, shutdown_timeout=0)

    async def listen(self, runner: web.ServerRunner) -> None:
        """Accept connections on a free port."""
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET":
            return web.json_response(self.listing)
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(await request.read())
        self.sent.append(Sent(request.path, dict(request.query), headers, body))
        match self.behaviour:
            case Answers() as answers:
                return await _answer(request, answers)
            case Reset():
                _reset(request.transport)
                return web.Response()
            case Hang():
                await asyncio.Event().wait()
                raise AssertionError("unreachable")


async def _answer(request: web.BaseRequest, answers: Answers) -> web.StreamResponse:
    body = answers.body
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {**answers.headers, "Content-Type": "application/json"}
    if answers.share == 1:
        return web.Response(status=answers.status, headers=headers, body=raw)
    response = web.StreamResponse(headers={**headers, "Content-Length": str(len(raw))})
    await response.prepare(request)
    await response.write(raw[: int(len(raw) * answers.share)])
    if request.transport is not None:
        request.transport.close()
    return response


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is not None:
        no_farewell = struct.pack("ii", 1, 0)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_farewell)
        transport.abort()


@contextmanager
def recorded_api() -> Iterator[RecordedAPI]:
    """Serve an API on a free port while the block runs."""
    api = RecordedAPI()
    with serving("recorded-api", api.runner, api.listen):
        yield api


def ask(llm: LLM, request: ChatRequest | str = "hi", seed: int = 1) -> Reply:
    """Make one call of a model, without a gateway; a string is one user turn."""
    if isinstance(request, str):
        request = ChatRequest([{"role": "user", "content": request}])

    async def call() -> Reply:
        client = await asyncio.to_thread(llm.connect)
        try:
            return await llm.send(client, request, seed)
        finally:
            await llm.close(client)

    return loop.run(call())
