"""A small HTTP/1.1 server on asyncio: fast enough never to be what a bench measures."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import cast
from urllib.parse import parse_qsl, unquote

JSON = "application/json"


@dataclass(frozen=True)
class Request:
    """A whole request; the names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def path(self) -> str:
        """The path without the query."""
        return unquote(self.target.partition("?")[0])

    @cached_property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; the connection is closed after `share` of the body when that is less than 1."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Breaks the connection without a word (TCP RST)."""


Handler = Callable[[Request], Awaitable[Response | Disconnect]]

_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _MalformedRequest(Exception):
    """What arrived is not HTTP as this server reads it."""


class HttpServer:
    """Serves one handler on 127.0.0.1; a client that leaves cancels its request."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = 0) -> int:
        """Accept connections and return the port; 0 takes a free one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._handler, self._connections), "127.0.0.1", port, backlog=4096
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def cleanup(self) -> None:
        """Stop listening, break all connections and wait for the end of their requests."""
        if self._server is not None:
            self._server.close()
        tasks = [connection.abort() for connection in list(self._connections)]
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One client: its requests are answered one after the other."""

    def __init__(self, handler: Handler, connections: set[_Connection]) -> None:
        self._handler = handler
        self._connections = connections
        self._received = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._loop = asyncio.get_running_loop()
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> asyncio.Task[None] | None:
        """Break the connection; return the request that it ends."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()
        return self._task

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._task is None:
            self._next_request()

    def _next_request(self) -> None:
        try:
            request = _take_request(self._received)
        except (_MalformedRequest, ValueError, IndexError):
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            return
        if request is not None:
            self._task = self._loop.create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._handler(request)
        except Exception:
            self._transport.abort()
            raise
        self._task = None
        if isinstance(response, Disconnect):
            self._reset()
            return
        close = response.share < 1 or request.headers.get("connection", "").lower() == "close"
        self._transport.write(_head(response, close) + _shown(response))
        if close:
            self._transport.close()
        elif self._received and not self._transport.is_closing():
            self._next_request()

    def _reset(self) -> None:
        no_farewell = struct.pack("ii", 1, 0)
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_farewell)
        self._transport.abort()


def _head(response: Response, close: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}",
        f"Content-Length: {len(response.body)}",
        f"Content-Type: {response.content_type}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
        *(("Connection: close",) if close else ()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _shown(response: Response) -> bytes:
    if response.share < 1:
        return response.body[: int(len(response.body) * response.share)]
    return response.body


def _take_request(received: bytearray) -> Request | None:
    """Take a whole request off the front of what was received; None while it is not whole."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    first, *lines = received[:end].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version != "HTTP/1.1":
        raise _MalformedRequest(version)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    start = end + 4
    if headers.get("transfer-encoding", "").lower() == "chunked":
        chunks = _read_chunks(received, start)
        if chunks is None:
            return None
        body, stop = chunks
    else:
        stop = start + int(headers.get("content-length", "0"))
        if len(received) < stop:
            return None
        body = bytes(received[start:stop])
    del received[:stop]
    return Request(method, target, headers, body)


def _read_chunks(received: bytearray, start: int) -> tuple[bytes, int] | None:
    """Return the body that starts here and where it stops; None while it is not whole."""
    chunks: list[bytes] = []
    while True:
        line_end = received.find(b"\r\n", start)
        if line_end < 0:
            return None
        size = int(received[start:line_end].split(b";")[0], 16)
        start = line_end + 2
        if len(received) < start + size + 2:
            return None
        if size == 0:
            return b"".join(chunks), start + 2
        chunks.append(bytes(received[start : start + size]))
        start += size + 2


def json_response(value: object) -> Response:
    """Return a JSON answer."""
    return Response(json.dumps(value, separators=(",", ":")).encode())
