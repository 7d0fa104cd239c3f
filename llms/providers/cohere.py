"""Cohere."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatRequest, Completion, Usage
from llms.config import Operational
from llms.errors import LLMError, MalformedReply, ServerFailed
from llms.llm import GenerationParameters, RemoteLLM, Reply
from llms.model import Supports
from llms.providers.chat_completions import from_environment
from llms.providers.packages import OptionalPackage
from llms.providers.quotas import quota_of
from llms.providers.replies import clean, finish_reason_of, tool_call
from llms.providers.responses import error_for_status, read_error, shown, unreadable
from llms.providers.transport import transport_error


class CohereParameters(GenerationParameters):
    """Sampling parameters of Cohere's chat API.

    `thinking` is the API's own object, for example `{"type": "disabled"}`.
    """

    top_k: int | None = Field(default=None, ge=0, le=500)
    frequency_penalty: float | None = Field(default=None, ge=0, le=1)
    presence_penalty: float | None = Field(default=None, ge=0, le=1)
    logprobs: bool | None = None
    thinking: dict[str, Any] | None = None


class CohereLLM(OptionalPackage, RemoteLLM):
    """A model of Cohere (needs the extra `cohere`).

    `base_url` defaults to `CO_API_URL`, then to Cohere's own. The key is `CO_API_KEY`.
    """

    provider: ClassVar = "cohere"
    price_list: ClassVar = "cohere"
    supports: ClassVar = Supports(
        structured_output=True, tools=True, images=True, logprobs=True, seed=True
    )
    key_variables: ClassVar = ("CO_API_KEY", "COHERE_API_KEY")
    packages: ClassVar = ("cohere",)
    extra: ClassVar = "cohere"

    base_url: str | None = from_environment("CO_API_URL")
    client_name: Operational[str | None] = None
    generation_kwargs: CohereParameters = CohereParameters()

    @property
    def url(self) -> str:
        return self.base_url or "https://api.cohere.com"

    def connect(self) -> Any:
        self.check_packages()
        import httpx
        from cohere import AsyncClientV2

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx.Timeout(None, connect=self.connect_timeout)
        return AsyncClientV2(
            self.key(),
            base_url=self.url,
            client_name=self.client_name,
            httpx_client=httpx.AsyncClient(timeout=timeout, limits=limits),
        )

    async def close(self, client: Any) -> None:
        await client.__aexit__(None, None, None)

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        body = self._body(request, seed)
        try:
            async with asyncio.timeout(self.timeout):
                response = await client.with_raw_response.chat(**body)
        except Exception as error:
            raise self._translated(error) from shown(error, self)
        return Reply(self._completion(response.data), quota_of(response.headers))

    def _body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        for ours, theirs in (
            ("max_new_tokens", "max_tokens"),
            ("top_p", "p"),
            ("top_k", "k"),
            ("stop", "stop_sequences"),
        ):
            if ours in parameters:
                parameters[theirs] = parameters.pop(ours)
        if "seed" in parameters:
            parameters["seed"] = seed
        if request.response_schema is not None:
            parameters["response_format"] = {
                "type": "json_object",
                "json_schema": dict(request.response_schema),
            }
        tools, choice = request.tools, request.tool_choice
        if choice not in (None, "auto", "none", "required"):
            # The API has no choice of one tool: the others are kept from the model instead.
            tools, choice = tuple(tool for tool in tools if tool.name == choice), "required"
        if tools:
            parameters["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in tools
            ]
            if choice in ("none", "required"):
                parameters["tool_choice"] = choice.upper()
        options = {"max_retries": 0, "timeout_in_seconds": None}
        return {
            "model": self.model,
            "messages": list(request.messages),
            **parameters,
            "request_options": options,
        }

    def _completion(self, reply: Any) -> Completion:
        try:
            stated = reply.finish_reason
            content = reply.message.content or []
            calls = tuple(
                tool_call(call.id, call.function.name, call.function.arguments)
                for call in reply.message.tool_calls or ()
            )
            thoughts = [part.thinking for part in content if part.type == "thinking"]
            if not thoughts and reply.message.tool_plan:
                thoughts = [reply.message.tool_plan]
            completion = Completion(
                text=clean("".join(part.text for part in content if part.type == "text")),
                usage=_usage(reply.usage),
                finish_reason=finish_reason_of(stated, calls),
                model=self.model,
                request_id=reply.id,
                reasoning=clean("".join(thoughts)) or None,
                tool_calls=calls,
                logprobs=_logprobs(reply.logprobs),
            )
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without a message.") from error
        if stated in ("ERROR", "TIMEOUT"):
            raise ServerFailed(f"{self.url} broke the answer off (finish reason {stated!r}).")
        return completion

    def _translated(self, error: Exception) -> LLMError:
        from cohere.core.api_error import ApiError
        from cohere.core.parse_error import ParsingError

        if isinstance(error, ApiError) and (error.status_code or 0) >= 400:
            message, code = read_error(error.body, "an error without a message")
            headers = error.headers or {}
            status = error.status_code or 500
            return error_for_status(self, status, message, code, headers, quota_of(headers))
        if isinstance(error, (ApiError, ParsingError)):
            return unreadable(self, "its shape is not that of a chat reply")
        if (failed := transport_error(self, error)) is not None:
            return failed
        raise error


def _usage(usage: Any) -> Usage:
    counted = usage and (usage.tokens or usage.billed_units)
    if not counted:
        return Usage(0, 0)
    return Usage(
        int(counted.input_tokens or 0),
        int(counted.output_tokens or 0),
        int(usage.cached_tokens or 0),
    )


def _logprobs(items: Any) -> list[list[dict[str, Any]]] | None:
    positions = [
        [{"token": clean(item.text or ""), "logprob": sum(item.logprobs)}]
        for item in items or ()
        if item.logprobs
    ]
    return positions or None
