"""Models inside this process, by llama.cpp."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from llms.chat import ChatMessage, ChatRequest, Completion, Usage
from llms.config import Operational
from llms.errors import (
    BadRequest,
    ConfigurationError,
    ContextLengthExceeded,
    MissingPackageError,
    RequestTimedOut,
    ServerFailed,
)
from llms.llm import GenerationParameters, Reply
from llms.model import Supports
from llms.providers.gguf import HUB, PACKAGED, gguf_file
from llms.providers.replies import clean, logprobs_of, without_inline_thought
from llms.providers.user_turns import OpenPrompt, UserTurns, left_open, with_open_turn
from llms.weights import file_digest

_PATIENCE = 60
"""Seconds for the engine to tell how a conversation is written."""


class LlamaCppParameters(GenerationParameters):
    """Sampling parameters of llama.cpp."""

    max_new_tokens: int | None = Field(default=512, ge=1)
    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(default=None, gt=0)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)


@dataclass(frozen=True, slots=True)
class _Engine:
    server: Any
    threads: ThreadPoolExecutor


class LlamaCppLLM(UserTurns):
    """A GGUF model run by llama.cpp in this process: no key, no network.

    `model` is `smollm2-135m-instruct` (its weights come with the installation), the path of a GGUF
    file, or `hf://owner/repo/file.gguf` (downloaded once from the Hugging Face Hub). A file counts
    by its content, not by its path. `n_ctx` is the context in tokens for each of the
    `max_concurrent_requests` slots. Samples are repeatable: each has a seed of its own.
    """

    provider: ClassVar = "llama-cpp"
    free: ClassVar = True
    supports: ClassVar = Supports(structured_output=True, logprobs=True, seed=True, user_turns=True)
    own_template: ClassVar = True

    model: str = PACKAGED
    generation_kwargs: LlamaCppParameters = LlamaCppParameters()
    n_ctx: int = Field(default=2048, ge=64)
    n_threads: Operational[int | None] = Field(default=None, ge=1)
    n_gpu_layers: Operational[int] = -1
    max_concurrent_requests: Operational[int | None] = Field(default=8, ge=1)
    timeout: Operational[float] = Field(default=600.0, gt=0)

    @cached_property
    def content(self) -> dict[str, Any]:
        content = super().content
        if self.model == PACKAGED or self.model.startswith(HUB):
            return content
        path = self.path()
        return {**content, "model": file_digest(path)}

    @cached_property
    def account(self) -> str:
        weights = self.model if self.model.startswith(HUB) else self.path()
        changed = weights.stat().st_mtime_ns if isinstance(weights, Path) else ""
        return f"{self.provider}:{weights}:{changed}:{self.n_ctx}:{self.max_concurrent_requests}"

    @property
    def slots(self) -> int:
        """Requests that the model works on at once."""
        return self.max_concurrent_requests or 8

    def check(self) -> None:
        if find_spec("xllamacpp") is None:
            raise MissingPackageError(
                f"The embedded model needs the package xllamacpp, which has no wheel for this "
                f"platform ({sys.platform}). Name another model instead, for example "
                f"'mistral:mistral-small-latest', or 'openai:NAME' with OPENAI_BASE_URL set to "
                f"a server such as llama.cpp's, vLLM or Ollama."
            )
        if not self.model.startswith(HUB):
            self.path()

    def path(self) -> Path:
        """Return the GGUF file, downloading it first when it is on the Hub.

        Raises:
            ConfigurationError: there is no such file.
        """
        return gguf_file(self.model)

    def connect(self) -> Any:
        self.check()
        import xllamacpp

        threads = self.n_threads or _free_cores()
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path())
        params.n_parallel = self.slots
        params.n_ctx = self.n_ctx * self.slots
        params.n_gpu_layers = self.n_gpu_layers
        for cpu in (params.cpuparams, params.cpuparams_batch):
            cpu.n_threads = threads
            cpu.poll = 0  # threads that spin while they wait take the core from those that work
        params.verbosity = 0
        params.warmup = False
        try:
            server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfigurationError(
                f"llama.cpp cannot load {str(self.path())!r} ({error}); check that it is a GGUF "
                f"file and that n_ctx={self.n_ctx} for {self.max_concurrent_requests} slots fits "
                f"into memory."
            ) from error
        return _Engine(
            server,
            ThreadPoolExecutor(self.slots, thread_name_prefix="llama-cpp"),
        )

    async def close(self, client: _Engine) -> None:
        client.threads.shutdown(wait=False)

    async def send(self, client: _Engine, request: ChatRequest, seed: int) -> Reply:
        stopped = Event()
        try:
            async with asyncio.timeout(self.timeout):
                written = await asyncio.get_running_loop().run_in_executor(
                    client.threads, self._generate, client.server, request, seed, stopped
                )
        except TimeoutError as error:
            raise RequestTimedOut(
                f"llama.cpp made no answer within {self.timeout:g} s; raise timeout=, or lower "
                f"max_new_tokens or max_concurrent_requests."
            ) from error
        except (RuntimeError, TypeError, ValueError) as error:
            raise BadRequest(f"llama.cpp: {error}") from error
        finally:
            stopped.set()
        return Reply(written.completion())

    def _generate(self, server: Any, request: ChatRequest, seed: int, stopped: Event) -> _Written:
        """Generate in pieces, so that an answer nobody waits for any more can be stopped."""
        pieces: list[dict[str, Any]] = []

        def take(piece: dict[str, Any]) -> bool:
            pieces.append(piece)
            return stopped.is_set()

        if not stopped.is_set():
            if request.open_turn is None:
                server.handle_chat_completions(self._body(request, seed), take)
            else:
                prompt = self.written(request.messages) or by_own_template(server, request.messages)
                server.handle_completions(self._prompt_body(prompt, seed), take)
        written = _Written()
        for piece in pieces:
            written.add(piece)
        return written

    def _parameters(self, seed: int) -> dict[str, Any]:
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        body = {
            "max_tokens": parameters.pop("max_new_tokens", 512),
            **parameters,
            "seed": seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if "stop" in body:
            body["stop"] = list(body["stop"])
        return body

    def _prompt_body(self, prompt: OpenPrompt, seed: int) -> dict[str, Any]:
        body = self._parameters(seed)
        for name in ("logprobs", "top_logprobs"):
            body.pop(name, None)
        return {**body, "prompt": prompt.text, "stop": prompt.stops(body.get("stop"))}

    def _body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        body = {"messages": list(request.messages), **self._parameters(seed)}
        if "top_logprobs" in body:
            body["logprobs"] = True
        if request.response_schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": request.response_schema, "strict": True},
            }
        return body


@dataclass(slots=True)
class _Written:
    """An answer as it grows, piece by piece."""

    texts: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)
    finish_reason: str = "stop"
    last: dict[str, Any] = field(default_factory=dict)

    def add(self, piece: dict[str, Any]) -> None:
        if "error" in piece:
            raise _error_for(piece["error"])
        self.last = piece
        for choice in piece["choices"]:
            said = choice.get("delta") or {"content": choice.get("text")}
            self.texts.append(said.get("content") or "")
            self.thoughts.append(said.get("reasoning_content") or "")
            self.positions += (choice.get("logprobs") or {}).get("content") or ()
            self.finish_reason = choice["finish_reason"] or self.finish_reason

    def completion(self) -> Completion:
        usage = self.last["usage"]
        text, inline = without_inline_thought(clean("".join(self.texts)), self.finish_reason)
        return Completion(
            text=text,
            usage=Usage(usage["prompt_tokens"], usage["completion_tokens"]),
            finish_reason=self.finish_reason,
            model=Path(self.last["model"]).name,
            request_id=self.last["id"],
            reasoning=clean("".join(self.thoughts)) or inline or None,
            logprobs=logprobs_of(self.positions),
        )


def by_own_template(server: Any, messages: Sequence[ChatMessage]) -> OpenPrompt:
    """Return the prompt by the chat template of the model, which the engine tells by HTTP alone.

    Raises:
        LLMError: the template takes no such conversation, or the engine does not answer.
    """
    connection = HTTPConnection(urlsplit(server.listening_address).netloc, timeout=_PATIENCE)
    try:
        body = {"messages": with_open_turn(messages), "add_generation_prompt": False}
        head = {"Content-Type": "application/json"}
        connection.request("POST", "/apply-template", json.dumps(body), head)
        reply = json.loads(connection.getresponse().read())
    except (OSError, HTTPException) as error:
        raise ServerFailed(f"llama.cpp told no prompt for a conversation: {error}") from error
    finally:
        connection.close()
    if "error" in reply:
        raise _error_for(reply["error"])
    return left_open(reply["prompt"])


def _free_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(8, len(os.sched_getaffinity(0)))
    return min(8, os.cpu_count() or 1)


def _error_for(error: dict[str, Any]) -> Exception:
    message = f"llama.cpp: {error.get('message')}"
    if error.get("type") == "exceed_context_size_error":
        return ContextLengthExceeded(f"{message} (raise n_ctx)")
    if error.get("code", 500) < 500:
        return BadRequest(message)
    return ServerFailed(message)
