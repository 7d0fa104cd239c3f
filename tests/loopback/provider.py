"""The chat completions API that OpenAI and Mistral share, with counters and faults."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Any

from aiohttp import web

from tests.loopback.faults import (
    Body,
    Fault,
    FaultPlan,
    Hang,
    Reset,
    Status,
    Truncated,
    as_function,
)

Reply = Callable[[dict[str, Any]], str]
"""Returns the text that answers a request body."""

MODEL = "loopback-model"


def default_reply(body: dict[str, Any]) -> str:
    """Answer by content: equal conversations get equal texts, others different ones."""
    messages = body["messages"]
    said = blake2b(json.dumps(messages, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"Answer {said} to: {messages[-1]['content']}"


def fixed_reply(text: str) -> Reply:
    """Return a reply that says the same to everyone."""
    return lambda body: text


@dataclass(frozen=True, slots=True)
class Stats:
    """What the provider has seen since its start or last reset; clocks are `time.monotonic`.

    `contents` counts requests by the digest of the whole body; `bodies` is empty unless kept.
    """

    requests: int
    answered: int
    in_flight: int
    most_in_flight: int
    first_request: float | None
    last_answer: float | None
    contents: dict[str, int]
    authorizations: dict[str, int]
    bodies: list[dict[str, Any]]

    @property
    def duplicates(self) -> int:
        """Requests whose whole body had been sent before."""
        return sum(self.contents.values()) - len(self.contents)

    def as_json(self) -> dict[str, Any]:
        """Return the counters as plain JSON values."""
        return {**asdict(self), "duplicates": self.duplicates}


class LoopbackProvider:
    """Handles requests and counts them; `url` ends in /v1, `root` does not."""

    def __init__(
        self,
        *,
        reply: Reply = default_reply,
        latency: float = 0.0,
        fault: FaultPlan | None = None,
        keep_bodies: bool = True,
    ) -> None:
        self.reply = reply
        self.latency = latency
        self.port = 0
        self._fault = as_function(fault)
        self._keep_bodies = keep_bodies
        self._lock = threading.Lock()
        self.reset()

    @property
    def root(self) -> str:
        """The server's address without a path, as Mistral's client wants it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for OpenAI's client."""
        return f"{self.root}/v1"

    def fail_with(self, fault: FaultPlan | None) -> None:
        """Replace the faults from the next request on."""
        self._fault = as_function(fault)

    def stats(self) -> Stats:
        """Return the counters as they are now."""
        with self._lock:
            return Stats(
                requests=self._requests,
                answered=self._answered,
                in_flight=self._in_flight,
                most_in_flight=self._most_in_flight,
                first_request=self._first_request,
                last_answer=self._last_answer,
                contents=dict(self._contents),
                authorizations=dict(self._authorizations),
                bodies=list(self._bodies),
            )

    def reset(self) -> None:
        """Set the counters to zero; requests in flight stay counted as in flight."""
        with self._lock:
            self._in_flight: int = getattr(self, "_in_flight", 0)
            self._most_in_flight = self._in_flight
            self._requests = 0
            self._answered = 0
            self._first_request: float | None = None
            self._last_answer: float | None = None
            self._contents: Counter[str] = Counter()
            self._authorizations: Counter[str] = Counter()
            self._bodies: list[dict[str, Any]] = []

    def runner(self) -> web.ServerRunner:
        """Return an aiohttp runner of this provider."""
        server = web.Server(self._handle, access_log=None, handler_cancellation=True)
        return web.ServerRunner(server, shutdown_timeout=0)

    async def listen(self, runner: web.ServerRunner, port: int = 0) -> None:
        """Accept connections on 127.0.0.1; port 0 takes a free one."""
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        self.port = runner.addresses[0][1]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return await self._chat(request)
            case "GET", "/v1/models":
                models = [{"id": MODEL, "object": "model", "created": 0, "owned_by": "loopback"}]
                return _json({"object": "list", "data": models})
            case "GET", "/stats":
                return _json(self.stats().as_json())
            case "POST", "/reset":
                self.reset()
                return _json({})
        return _failed(Status(404, message=f"no such path: {request.path}"))

    async def _chat(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        try:
            body = json.loads(raw)
            answer = self._answer(body)
        except (ValueError, LookupError, TypeError) as error:
            return _failed(Status(400, message=f"not a chat request: {error!r}"))
        number = self._arrived(raw, body, request.headers.get("Authorization", ""))
        try:
            fault = self._fault(number, body)
            if self.latency:
                await asyncio.sleep(self.latency)
            if fault is not None:
                return await _misbehave(fault, request, answer)
            self._was_answered()
            return web.Response(body=answer, content_type="application/json")
        finally:
            with self._lock:
                self._in_flight -= 1

    def _arrived(self, raw: bytes, body: dict[str, Any], authorization: str) -> int:
        content = blake2b(raw, digest_size=16).hexdigest()
        with self._lock:
            self._requests += 1
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            self._first_request = self._first_request or time.monotonic()
            self._contents[content] += 1
            self._authorizations[authorization] += 1
            if self._keep_bodies:
                self._bodies.append(body)
            return self._requests

    def _was_answered(self) -> None:
        with self._lock:
            self._answered += 1
            self._last_answer = time.monotonic()

    def _answer(self, body: dict[str, Any]) -> bytes:
        text = self.reply(body)
        asked = sum(len(str(message["content"]).split()) for message in body["messages"])
        said = len(text.split())
        return (
            f'{{"id":"chatcmpl-{self._requests + 1}","object":"chat.completion","created":1,'
            f'"model":{json.dumps(body["model"])},"choices":[{{"index":0,"message":'
            f'{{"role":"assistant","content":{json.dumps(text)}}},"finish_reason":"stop"}}],'
            f'"usage":{{"prompt_tokens":{asked},"completion_tokens":{said},'
            f'"total_tokens":{asked + said}}}}}'
        ).encode()


async def _misbehave(fault: Fault, request: web.BaseRequest, answer: bytes) -> web.StreamResponse:
    match fault:
        case Status():
            return _failed(fault)
        case Body():
            return web.Response(body=fault.bytes, content_type=fault.content_type)
        case Truncated():
            response = web.StreamResponse(
                headers={"Content-Length": str(len(answer)), "Content-Type": "application/json"}
            )
            await response.prepare(request)
            await response.write(answer[: int(len(answer) * fault.share)])
            if request.transport is not None:
                request.transport.close()
            return response
        case Reset():
            _reset(request.transport)
            return web.Response()
        case Hang():
            await asyncio.Event().wait()
            raise AssertionError("unreachable")


def _reset(transport: asyncio.Transport | None) -> None:
    if transport is None:
        return
    no_farewell = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_farewell)
    transport.abort()


def _json(value: Any) -> web.Response:
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")


def _failed(fault: Status) -> web.Response:
    return web.Response(
        status=fault.code,
        headers=fault.headers,
        body=fault.body,
        content_type="application/json",
    )
