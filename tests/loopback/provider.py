"""The APIs of model providers on 127.0.0.1, with counters, limits and faults."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, Literal, Unpack

from tests.loopback.batches import BatchWork
from tests.loopback.chat import (
    MODEL,
    UnreadableRequest,
    chat_completion,
    check_chat,
    default_reply,
)
from tests.loopback.dialects.anthropic import ANTHROPIC
from tests.loopback.dialects.cohere import COHERE
from tests.loopback.dialects.completions import COMPLETIONS
from tests.loopback.dialects.dialect import Dialect
from tests.loopback.dialects.gemini import GEMINI
from tests.loopback.dialects.hugging_face import HUGGING_FACE
from tests.loopback.dialects.ollama import OLLAMA, OLLAMA_MODELS
from tests.loopback.dialects.openai import OPENAI
from tests.loopback.embeddings import check_embeddings, embedded_texts, embeddings
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
from tests.loopback.files import FileShelf
from tests.loopback.http import JSON, Disconnect, HttpServer, Request, Response, json_response
from tests.loopback.images import ImageShelf, check_images
from tests.loopback.limits import Limits, RateLimiter
from tests.loopback.mistral_batches import MistralJobs
from tests.loopback.openai_batches import OpenAIBatches
from tests.loopback.stats import Counters, Stats, digest
from tests.loopback.switches import Switches

Asked = Literal["chat", "embeddings", "images"]

_GENERATE = ":generateContent"
_NO_BOUND = 1_000_000
_KEY_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")
_CHECKS = {"chat": check_chat, "embeddings": check_embeddings, "images": check_images}
_MODELS = {
    "object": "list",
    "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "loopback"}],
}


class LoopbackProvider:
    """Handles requests and counts them; `url` ends in /v1, `root` does not."""

    def __init__(self, **switches: Unpack[Switches]) -> None:
        self.reply = switches.get("reply", default_reply)
        self.latency = switches.get("latency", 0.0)
        self.port = 0
        self._dimension = switches.get("dimension", 8)
        self._usage_details = switches.get("usage_details", False)
        self._fault = as_function(switches.get("fault"))
        self._limiter = RateLimiter(switches.get("limits") or Limits())
        self._slots = asyncio.Semaphore(switches.get("slots") or _NO_BOUND)
        self._refuses = switches.get("overload", "queue") == "refuse"
        self._overload = Status(switches.get("overload_status", 429), message="all slots are busy")
        self._counters = Counters(keep_bodies=switches.get("keep_bodies", True))
        self._lines_answered = 0
        self.batches = BatchWork(
            self._counters,
            self._answer_line,
            seconds=switches.get("batch_seconds", 0.0),
            line_fault=switches.get("line_fault"),
            job_faults=switches.get("job_faults", ()),
            answered_share=switches.get("answered_share", 0.5),
            lose_creations=switches.get("lose_creations", 0),
        )
        self.images = ImageShelf(switches.get("image_bytes", 0))
        self._files = FileShelf(self._counters)
        self._openai_batches = OpenAIBatches(self.batches, self._files)
        self._mistral_jobs = MistralJobs(self.batches, self._files)

    @property
    def root(self) -> str:
        """The server's address without a path, as most clients but OpenAI's want it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL for OpenAI's client."""
        return f"{self.root}/v1"

    def fail_with(self, fault: FaultPlan | None) -> None:
        """Replace the faults from the next request on."""
        self._fault = as_function(fault)

    def limit_to(self, limits: Limits) -> None:
        """Replace the limits from the next request on, with nothing used."""
        self._limiter = RateLimiter(limits)

    def stats(self) -> Stats:
        """Return the counters as they are now."""
        return self._counters.stats()

    def reset(self) -> None:
        """Set the counters to zero; requests in flight stay counted as in flight."""
        self._counters.reset()

    def runner(self) -> HttpServer:
        """Return a server of this provider."""
        return HttpServer(self._handle)

    async def listen(self, server: HttpServer, port: int = 0) -> None:
        """Accept connections on 127.0.0.1; port 0 takes a free one."""
        self.port = await server.listen(port)

    async def _handle(self, request: Request) -> Response | Disconnect:
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["openai", "v1"]:
            del parts[0]
        match request.method, parts:
            case "POST", ["v1", "chat", "completions"]:
                return await self._ask(request, OPENAI, "chat")
            case "POST", ["v1", "completions"]:
                return await self._ask(request, COMPLETIONS, "chat")
            case "POST", ["v1", "embeddings"]:
                return await self._ask(request, OPENAI, "embeddings")
            case "POST", ["v1", "images", "generations"]:
                return await self._ask(request, OPENAI, "images")
            case "POST", ["text-to-image"]:
                return await self._ask(request, HUGGING_FACE, "images")
            case "GET", ["images", name]:
                return self.images.fetch(request, name)
            case "POST", ["v1", "messages"]:
                return await self._ask(request, ANTHROPIC, "chat")
            case "POST", ["v2", "chat"]:
                return await self._ask(request, COHERE, "chat")
            case "POST", [_, "models", named] if named.endswith(_GENERATE):
                return await self._ask(request, GEMINI, "chat", named.removesuffix(_GENERATE))
            case "POST", ["api", "chat"]:
                return await self._ask(request, OLLAMA, "chat")
            case "POST", ["openai", "deployments", model, *rest] if request.query.get(
                "api-version"
            ):
                if rest == ["chat", "completions"]:
                    return await self._ask(request, OPENAI, "chat", model)
                if rest == ["embeddings"]:
                    return await self._ask(request, OPENAI, "embeddings", model)
        return self._keep(request, parts) or _no_such_path(request)

    def _keep(self, request: Request, parts: list[str]) -> Response | Disconnect | None:
        """Answer what no model is asked for; None where there is no such path."""
        try:
            match request.method, parts:
                case _, ["v1", "files", *rest]:
                    return self._files.handle(request, rest)
                case _, ["v1", "batches", *rest]:
                    return self._openai_batches.handle(request, rest)
                case _, ["v1", "batch", "jobs", *rest]:
                    return self._mistral_jobs.handle(request, rest)
                case "GET", ["v1", "models"]:
                    return json_response(_MODELS)
                case "GET", ["api", "tags"]:
                    return json_response(OLLAMA_MODELS)
                case "GET", ["stats"]:
                    return json_response(self.stats().as_json())
                case "POST", ["reset"]:
                    self.reset()
                    return json_response({})
        except (UnreadableRequest, LookupError, TypeError, ValueError) as error:
            return Status(400, message=f"not a request of this API: {error!r}").response()
        return None

    async def _ask(
        self, request: Request, dialect: Dialect, asked: Asked, model: str | None = None
    ) -> Response | Disconnect:
        """Ask the model; `model` is the one that the path names."""
        try:
            sent = json.loads(request.body)
            body = dialect.read({"model": model, **sent} if model else sent)
            _CHECKS[asked](body)
        except (UnreadableRequest, LookupError, TypeError, ValueError) as error:
            return _failed(dialect, Status(400, message=f"not a {asked} request: {error!r}"))
        content = digest(request.path.encode(), request.body)
        key = next(filter(None, map(request.headers.get, _KEY_HEADERS)), "")
        number = self._counters.arrived(content, key, sent)
        try:
            return await self._answer(dialect, asked, body, number, content)
        finally:
            self._counters.left()

    async def _answer(
        self, dialect: Dialect, asked: Asked, body: dict[str, Any], number: int, content: str
    ) -> Response | Disconnect:
        try:
            answer = self._make_answer(asked, body, str(number))
            written = dialect.write(answer)
            kind = "image/png" if isinstance(written, bytes) else JSON
            if not isinstance(written, bytes):
                written = json.dumps(written, separators=(",", ":")).encode()
        except Exception as error:
            return _failed(dialect, Status(400, message=f"the reply failed: {error!r}"))
        tokens = answer["usage"]["total_tokens"]
        refusal, cost = self._limiter.admit(body, answer["usage"]["completion_tokens"])
        if refusal is None and self._refuses and self._slots.locked():
            refusal = self._overload
        if refusal is not None:
            self._counters.was_refused()
            return _failed(dialect, refusal)
        response = Response(written, headers=self._limiter.headers(cost), content_type=kind)
        fault = self._fault(number, body)
        async with self._slots:
            if self.latency:
                await asyncio.sleep(self.latency)
            if fault is not None:
                return await self._misbehave(dialect, fault, response)
        texts = len(embedded_texts(body)) if asked == "embeddings" else 0
        self._counters.was_answered(content, tokens, texts)
        return response

    async def _misbehave(
        self, dialect: Dialect, fault: Fault, response: Response
    ) -> Response | Disconnect:
        match fault:
            case Status():
                if fault.code == 429:
                    self._counters.was_refused()
                return _failed(dialect, fault)
            case Body():
                return Response(fault.bytes, content_type=fault.content_type)
            case Truncated():
                return replace(response, share=fault.share)
            case Reset():
                return Disconnect()
            case Hang():
                await asyncio.Event().wait()
                raise AssertionError("unreachable")

    def _make_answer(self, asked: Asked, body: dict[str, Any], name: str) -> dict[str, Any]:
        if asked == "embeddings":
            return embeddings(body, name, dimension=self._dimension)
        if asked == "images":
            return self.images.answer(body, name, self.root)
        return chat_completion(body, self.reply(body), name, details=self._usage_details)

    def _answer_line(self, endpoint: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Answer a line of a batch job as the endpoint answers a single request."""
        asked: Asked = "embeddings" if endpoint.endswith("/embeddings") else "chat"
        self._lines_answered += 1
        try:
            _CHECKS[asked](body)
            return 200, self._make_answer(asked, body, f"line-{self._lines_answered}")
        except Exception as error:
            return 400, json.loads(Status(400, message=f"not a {asked} request: {error!r}").body)


def _failed(dialect: Dialect, status: Status) -> Response:
    return Response(dialect.error_body(status), status.code, status.headers)


def _no_such_path(request: Request) -> Response:
    return Status(404, message=f"no such path: {request.path}").response()
