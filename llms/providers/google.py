"""What Gemini's API and Vertex AI have in common: Google's SDK."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatMessage, ChatRequest, Completion, ContentPart, Usage, text_content
from llms.errors import ContentFiltered, LLMError, MalformedReply
from llms.llm import GenerationParameters, RemoteLLM, Reply
from llms.model import Supports
from llms.providers.conversations import (
    called_names,
    calls_of,
    data_image,
    other_turns,
    parts_of,
    system_text,
)
from llms.providers.packages import OptionalPackage
from llms.providers.replies import clean, tool_call
from llms.providers.responses import error_for_status, read_error, shown
from llms.providers.transport import transport_error

_FILTERED = {
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "MODEL_ARMOR",
}
_BADLY_SAMPLED = {"MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL"}
_TOOL_CHOICES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class GoogleParameters(GenerationParameters):
    """Sampling parameters of Gemini models.

    `top_logprobs` is how many of the likeliest tokens are told in each place. `safety_settings` and
    `thinking_config` are the API's own objects, for example `{"thinking_budget": 0}`.
    """

    top_k: int | None = Field(default=None, ge=1)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    safety_settings: tuple[dict[str, Any], ...] | None = None
    thinking_config: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Connection:
    client: Any
    http: Any


class GoogleLLM(OptionalPackage, RemoteLLM):
    """A Gemini model, whichever service it is reached by."""

    price_list: ClassVar = "google"
    supports: ClassVar = Supports(
        structured_output=True, tools=True, images=True, logprobs=True, seed=True
    )
    packages: ClassVar = ("google.genai",)
    extra: ClassVar = "google"

    generation_kwargs: GoogleParameters = GoogleParameters()

    def connect(self) -> Any:
        self.check_packages()
        import httpx2

        # The SDK's own connections are not closed with it, and it tries them again by itself.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        http = httpx2.AsyncClient(timeout=None, limits=limits)
        options = {
            "base_url": self.url,
            "retry_options": {"attempts": 1},
            "httpx_async_client": http,
        }
        return _Connection(self.open_client(options), http)

    @abstractmethod
    def open_client(self, options: Any) -> Any:
        """Return the SDK's client, for these HTTP options."""

    async def close(self, client: _Connection) -> None:
        client.client.close()
        await client.http.aclose()

    async def send(self, client: _Connection, request: ChatRequest, seed: int) -> Reply:
        from google.genai.types import GenerateContentConfig

        config = GenerateContentConfig(**self._config(request, seed))
        contents = _contents(request.messages)
        try:
            async with asyncio.timeout(self.timeout):
                reply = await client.client.aio.models.generate_content(
                    model=self.model, contents=contents, config=config
                )
        except Exception as error:
            raise self._translated(error) from shown(error, self)
        return Reply(self._completion(reply))

    def _config(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        given = self.generation_kwargs.model_dump(exclude_none=True)
        for ours, theirs in (
            ("max_new_tokens", "max_output_tokens"),
            ("stop", "stop_sequences"),
            ("logprobs", "response_logprobs"),
            ("top_logprobs", "logprobs"),
        ):
            if ours in given:
                given[theirs] = given.pop(ours)
        if "logprobs" in given:
            given["response_logprobs"] = True
        for name in ("stop_sequences", "safety_settings"):
            if name in given:
                given[name] = list(given[name])
        if "seed" in given:
            given["seed"] = seed
        if system := system_text(request.messages):
            given["system_instruction"] = system
        if request.response_schema is not None:
            given["response_mime_type"] = "application/json"
            given["response_json_schema"] = dict(request.response_schema)
        if request.tools:
            given["tools"] = [
                {"function_declarations": [_declared(tool) for tool in request.tools]}
            ]
            given["automatic_function_calling"] = {"disable": True}
            if (choice := request.tool_choice) in _TOOL_CHOICES:
                calling: dict[str, Any] = {"mode": _TOOL_CHOICES[choice]}
                given["tool_config"] = {"function_calling_config": calling}
            elif choice is not None:
                calling = {"mode": "ANY", "allowed_function_names": [choice]}
                given["tool_config"] = {"function_calling_config": calling}
        return given

    def _completion(self, reply: Any) -> Completion:
        blocked = reply.prompt_feedback and reply.prompt_feedback.block_reason
        if blocked and not reply.candidates:
            raise ContentFiltered(f"{self.provider} refused the prompt ({_name_of(blocked)}).")
        if not reply.candidates:
            raise MalformedReply(f"{self.url} sent a reply without a candidate.")
        candidate = reply.candidates[0]
        stated = _name_of(candidate.finish_reason)
        parts = (candidate.content and candidate.content.parts) or []
        text = clean("".join(part.text for part in parts if part.text and not part.thought))
        thoughts = clean("".join(part.text for part in parts if part.text and part.thought))
        calls = tuple(
            tool_call(
                part.function_call.id or f"call_{number}",
                part.function_call.name or "",
                part.function_call.args,
            )
            for number, part in enumerate(part for part in parts if part.function_call)
        )
        if not text and not calls:
            if stated in _FILTERED:
                raise ContentFiltered(f"{self.provider} withheld the answer ({stated}).")
            if stated in _BADLY_SAMPLED:
                raise MalformedReply(f"{self.url} broke the answer off ({stated}).")
        return Completion(
            text=text,
            usage=_usage(reply.usage_metadata),
            finish_reason=_finish_reason(stated, bool(calls)),
            model=reply.model_version or self.model,
            request_id=reply.response_id,
            reasoning=thoughts or None,
            tool_calls=calls,
            logprobs=_logprobs(candidate.logprobs_result),
        )

    def _translated(self, error: Exception) -> LLMError:
        from google.genai.errors import APIError

        if isinstance(error, APIError):
            message, code = read_error(error.details, str(error.message))
            headers = getattr(error.response, "headers", None) or {}
            return error_for_status(
                self, error.code or 500, message, _reason(error.details) or code, headers
            )
        if (failed := transport_error(self, error)) is not None:
            return failed
        raise error


def _declared(tool: Any) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters_json_schema": dict(tool.parameters),
    }


def _contents(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    names = called_names(messages)
    contents: list[dict[str, Any]] = []
    for message in other_turns(messages):
        role = "model" if message["role"] == "assistant" else "user"
        if message["role"] == "tool":
            id = message["tool_call_id"]
            answer = {"name": names.get(id, id), "response": {"result": text_content(message)}}
            parts: list[dict[str, Any]] = [{"function_response": answer}]
        else:
            parts = [_part(part) for part in parts_of(message)]
            parts += [
                {"function_call": {"name": name, "args": dict(arguments)}}
                for _, name, arguments in calls_of(message)
            ]
        if contents and contents[-1]["role"] == role == "user":
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def _part(part: ContentPart) -> dict[str, Any]:
    if part["type"] == "text":
        return {"text": part["text"]}
    url = part["image_url"]["url"]
    image = data_image(url)
    if image is None:
        return {"file_data": {"file_uri": url}}
    return {"inline_data": {"mime_type": image.media_type, "data": image.data}}


def _finish_reason(stated: str, calls: bool) -> str:
    if stated in _FILTERED:
        return "content_filter"
    if stated in ("MAX_TOKENS", "CONTINUATION"):
        return "length"
    return "tool_calls" if calls else "stop"


def _usage(usage: Any) -> Usage:
    if usage is None:
        return Usage(0, 0)
    thoughts = usage.thoughts_token_count or 0
    return Usage(
        (usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        (usage.candidates_token_count or 0) + thoughts,
        usage.cached_content_token_count or 0,
        thoughts,
    )


def _logprobs(result: Any) -> list[list[dict[str, Any]]] | None:
    chosen = (result and result.chosen_candidates) or []
    likeliest = (result and result.top_candidates) or []
    positions = []
    for number, candidate in enumerate(chosen):
        others = likeliest[number].candidates or [] if number < len(likeliest) else []
        tokens = [
            {"token": clean(each.token or ""), "logprob": each.log_probability}
            for each in (*others, candidate)
        ]
        own = tokens.pop()
        positions.append(tokens if own in tokens else [own, *tokens])
    return positions or None


def _name_of(value: Any) -> str:
    return str(getattr(value, "value", value) or "STOP")


def _reason(details: Any) -> str | None:
    """Return the first reason that an error's details name, such as `API_KEY_INVALID`."""
    error = details.get("error", details) if isinstance(details, Mapping) else {}
    named = error.get("details") if isinstance(error, Mapping) else None
    for detail in named if isinstance(named, list) else ():
        if isinstance(detail, Mapping) and "reason" in detail:
            return str(detail["reason"])
    return None
