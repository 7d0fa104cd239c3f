"""An Ollama server, by its own API."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from llms.chat import ChatMessage, ChatRequest, Completion, Usage
from llms.config import Operational
from llms.errors import BadRequest, LLMError, MalformedReply, MissingKeyError
from llms.llm import GenerationParameters, RemoteLLM, Reply
from llms.model import Supports
from llms.providers.chat_completions import from_environment
from llms.providers.conversations import called_names, calls_of, data_image, parts_of
from llms.providers.packages import OptionalPackage
from llms.providers.replies import (
    clean,
    finish_reason_of,
    logprobs_of,
    tool_call,
    without_inline_thought,
)
from llms.providers.responses import NO_KEY, error_for_status, shown
from llms.providers.transport import transport_error
from llms.providers.user_turns import OpenPrompt, UserTurns


class OllamaParameters(GenerationParameters):
    """Sampling parameters of Ollama.

    `options` are Ollama's own (`num_ctx`, `top_k`, ...); note that a prompt beyond `num_ctx` tokens
    is cut by the server. `think` switches a reasoning model's thinking on or off, `format` "json"
    asks for any JSON, `keep_alive` says how long the model stays loaded.
    """

    options: dict[str, Any] | None = None
    format: Literal["", "json"] | None = None
    think: bool | Literal["low", "medium", "high"] | None = None
    keep_alive: Operational[float | str | None] = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class OllamaLLM(OptionalPackage, UserTurns, RemoteLLM):
    """A model on an Ollama server (needs the extra `ollama`), which enforces response schemas.

    `host` defaults to `OLLAMA_HOST`, then to Ollama's usual port on this machine. A key
    (`OLLAMA_API_KEY`) is needed for Ollama's own cloud only. Images must be given as data. To write
    user's turns it needs a `magpie_pre_query_template`.
    """

    provider: ClassVar = "ollama"
    free: ClassVar = True
    supports: ClassVar = Supports(
        structured_output=True,
        tools=True,
        images=True,
        logprobs=True,
        seed=True,
        user_turns=True,
    )
    key_variables: ClassVar = ("OLLAMA_API_KEY",)
    packages: ClassVar = ("ollama",)
    extra: ClassVar = "ollama"
    key_optional: ClassVar = True

    host: str | None = from_environment("OLLAMA_HOST")
    follow_redirects: Operational[bool] = True
    generation_kwargs: OllamaParameters = OllamaParameters()

    @property
    def url(self) -> str:
        host = self.host or "http://127.0.0.1:11434"
        if "://" in host:
            return host
        return f"http://{host}" if ":" in host else f"http://{host}:11434"

    def key(self) -> str:
        try:
            return super().key()
        except MissingKeyError:
            if self.api_key_block is None:
                return NO_KEY
            raise

    def connect(self) -> Any:
        self.check_packages()
        import httpx
        from ollama import AsyncClient

        key = self.key()
        return AsyncClient(
            self.url,
            headers={} if key == NO_KEY else {"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(None, connect=self.connect_timeout),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            follow_redirects=self.follow_redirects,
        )

    async def close(self, client: Any) -> None:
        await client.close()

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        prompt = self.written(request.messages) if request.open_turn else None
        body = self._body(request, seed) if prompt is None else self._prompt_body(prompt, seed)
        try:
            async with asyncio.timeout(self.timeout):
                reply = await (client.chat(**body) if prompt is None else client.generate(**body))
        except Exception as error:
            raise self._translated(error) from shown(error, self)
        return Reply(self._completion(reply) if prompt is None else self._turn(reply))

    def _parameters(self, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the options, which say how to sample, and the rest."""
        given = self.generation_kwargs.model_dump(exclude_none=True)
        options = dict(given.pop("options", {}))
        for ours, theirs in (
            ("max_new_tokens", "num_predict"),
            ("temperature", "temperature"),
            ("top_p", "top_p"),
        ):
            if ours in given:
                options[theirs] = given.pop(ours)
        if (stop := given.pop("stop", None)) is not None:
            options["stop"] = list(stop)
        if given.pop("seed", None) is not None:
            options["seed"] = seed
        return options, given

    def _prompt_body(self, prompt: OpenPrompt, seed: int) -> dict[str, Any]:
        options, given = self._parameters(seed)
        if stops := prompt.stops(options.get("stop")):
            options["stop"] = stops
        kept = {"keep_alive": given["keep_alive"]} if "keep_alive" in given else {}
        return {
            "model": self.model,
            "prompt": prompt.text,
            "raw": True,
            "options": options,
            **kept,
        }

    def _body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        options, given = self._parameters(seed)
        if request.response_schema is not None:
            given["format"] = dict(request.response_schema)
        if request.tools and request.tool_choice != "none":
            given["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
                if request.tool_choice in (None, "auto", "required", tool.name)
            ]
        turns = self._turns(request.messages)
        return {"model": self.model, "messages": turns, "options": options, **given}

    def _turns(self, messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
        names = called_names(messages)
        turns = []
        for message in messages:
            texts = [part["text"] for part in parts_of(message) if part["type"] == "text"]
            turn: dict[str, Any] = {"role": message["role"], "content": "\n".join(texts)}
            if images := [self._image(url) for url in _image_urls(message)]:
                turn["images"] = images
            if calls := [
                {"function": {"name": name, "arguments": arguments}}
                for _, name, arguments in calls_of(message)
            ]:
                turn["tool_calls"] = calls
            if (id := message.get("tool_call_id")) is not None:
                turn["tool_name"] = names.get(id, id)
            turns.append(turn)
        return turns

    def _image(self, url: str) -> str:
        image = data_image(url)
        if image is None:
            raise BadRequest(
                f"Ollama takes images as data, not as the address {url!r}; make the part with "
                f"image_part() from a file or bytes."
            )
        return image.data

    def _completion(self, reply: Any) -> Completion:
        try:
            message = reply.message
            calls = tuple(
                tool_call(f"call_{number}", call.function.name, dict(call.function.arguments))
                for number, call in enumerate(message.tool_calls or ())
            )
            reason = finish_reason_of(reply.done_reason, calls)
            text, inline = without_inline_thought(clean(message.content or ""), reason)
            return Completion(
                text=text,
                usage=Usage(reply.prompt_eval_count or 0, reply.eval_count or 0),
                finish_reason=reason,
                model=reply.model or self.model,
                reasoning=clean(message.thinking or "") or inline or None,
                tool_calls=calls,
                logprobs=logprobs_of([each.model_dump() for each in reply.logprobs or ()]),
            )
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without a message.") from error

    def _turn(self, reply: Any) -> Completion:
        try:
            return Completion(
                text=clean(reply.response),
                usage=Usage(reply.prompt_eval_count or 0, reply.eval_count or 0),
                finish_reason=finish_reason_of(reply.done_reason, ()),
                model=reply.model or self.model,
            )
        except (TypeError, AttributeError) as error:
            raise MalformedReply(f"{self.url} sent a reply without a response.") from error

    def _translated(self, error: Exception) -> LLMError:
        from ollama import ResponseError

        if isinstance(error, ResponseError):
            return error_for_status(self, error.status_code, str(error.error), None, {})
        if (failed := transport_error(self, error)) is not None:
            return failed
        raise error


def _image_urls(message: ChatMessage) -> list[str]:
    return [part["image_url"]["url"] for part in parts_of(message) if part["type"] == "image_url"]
