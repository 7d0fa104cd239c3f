"""The ways in which the Hub can fail a request."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Status:
    """Does nothing and answers with an HTTP status; by default as a proxy does, not in JSON."""

    code: int
    body: str = "<html>told to fail</html>"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """Does what was asked and breaks the connection (TCP RST) instead of saying so."""


@dataclass(frozen=True, slots=True)
class Overtaken:
    """Lets somebody else commit these files just before."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Cut:
    """Cuts the connection after so many bytes: of the body that is sent, or of a GET's answer.

    A request's body ends in a broken connection (TCP RST), an answer in a closed one (FIN). A HEAD
    has nothing to cut and leaves the fault for the GET after it.
    """

    after_bytes: int


@dataclass(frozen=True, slots=True)
class Slow:
    """Waits before it does what was asked, which is done even if the client has left by then."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stalled:
    """Does nothing and never answers; ends with the Hub."""


Fault = Status | LostAnswer | Overtaken | Cut | Slow | Stalled


async def answer(fault: Fault | None, request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request as a fault says; what `Overtaken` does has been done before."""
    if isinstance(fault, Status):
        return web.Response(status=fault.code, text=fault.body, headers=fault.headers)
    if isinstance(fault, Stalled):
        await asyncio.Event().wait()
    if isinstance(fault, Slow):
        await request.read()
        await asyncio.sleep(fault.seconds)
    if isinstance(fault, Cut) and request.method != "GET":
        await _read(request, fault.after_bytes)
        _break(request)
        return web.Response()
    response = await handler(request)
    if isinstance(fault, LostAnswer):
        _break(request)
    if isinstance(fault, Cut):
        return await _cut(response, request, fault.after_bytes)
    return response


async def _read(request: web.Request, size: int) -> None:
    """Read so much of a body, or all of it if it is shorter."""
    while size > 0 and (read := await request.content.read(size)):
        size -= len(read)


async def _cut(response: web.StreamResponse, request: web.Request, size: int) -> web.StreamResponse:
    """Announce the whole answer and close the connection after a part of it."""
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    part = web.StreamResponse(status=response.status, headers=response.headers)
    part.content_length = len(response.body)
    await part.prepare(request)
    await part.write(response.body[:size])
    if request.transport is not None:
        request.transport.close()
    return part


def _break(request: web.Request) -> None:
    if request.transport is not None:
        no_farewell = struct.pack("ii", 1, 0)
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_farewell)
        request.transport.abort()


_KINDS: dict[str, type[Fault]] = {
    kind.__name__: kind for kind in (Status, LostAnswer, Overtaken, Cut, Slow, Stalled)
}


def fault_in_json(fault: Fault) -> dict[str, object]:
    """Return a fault in a form that can be sent to another process."""
    fields = asdict(fault)
    if isinstance(fault, Overtaken):
        fields["files"] = {path: file.decode("latin-1") for path, file in fault.files.items()}
    return {"kind": type(fault).__name__, **fields}


def fault_from(told: dict[str, Any]) -> Fault:
    """Return the fault that another process has sent."""
    kind = _KINDS[told.pop("kind")]
    if kind is Overtaken:
        told["files"] = {path: file.encode("latin-1") for path, file in told["files"].items()}
    return kind(**told)
