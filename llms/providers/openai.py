"""OpenAI, and every server that speaks its chat completions API."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from llms.chat import ChatRequest, Completion, Usage
from llms.config import Operational
from llms.errors import (
    ConnectionFailed,
    ContentFiltered,
    LLMError,
    MalformedReply,
    MissingKeyError,
    RequestTimedOut,
)
from llms.llm import GenerationParameters, RemoteLLM
from llms.providers.responses import error_for_status, one_line, shown, text_of

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class OpenAIParameters(GenerationParameters):
    """Sampling parameters of the chat completions API.

    `extra_body` is merged into the request as it is, for parameters of one server only.
    """

    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    extra_body: dict[str, Any] | None = None


class OpenAILLM(RemoteLLM):
    """A model of OpenAI or of any compatible server, named by `base_url`.

    `base_url` defaults to `OPENAI_BASE_URL`, then to OpenAI's own; it counts as part of the model's
    identity. The key is `OPENAI_API_KEY`; a server on this machine needs none.
    """

    provider: ClassVar = "openai"
    key_variables: ClassVar = ("OPENAI_API_KEY",)

    base_url: str | None = Field(
        default_factory=lambda: os.environ.get("OPENAI_BASE_URL") or None,
    )
    default_headers: Operational[Mapping[str, str] | None] = Field(
        default=None, exclude=True, repr=False
    )
    generation_kwargs: OpenAIParameters = OpenAIParameters()

    @property
    def url(self) -> str:
        return self.base_url or "https://api.openai.com/v1"

    def key(self) -> str:
        try:
            return super().key()
        except MissingKeyError:
            if self.api_key_block is None and urlsplit(self.url).hostname in _LOOPBACK:
                return "none"
            raise

    def connect(self) -> Any:
        from openai import AsyncOpenAI, DefaultAioHttpClient

        return AsyncOpenAI(
            api_key=self.key(),
            base_url=self.url,
            max_retries=0,
            http_client=DefaultAioHttpClient(),
        )

    async def close(self, client: Any) -> None:
        await client.close()

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Completion:
        import httpx2

        try:
            async with asyncio.timeout(self.timeout):
                # The SDK's typed call spends most of its time on taking dicts to models and back.
                response = await client.post(
                    "/chat/completions",
                    body=self._body(request, seed),
                    cast_to=httpx2.Response,
                    options={"timeout": self.timeout, "headers": self.default_headers or {}},
                )
                reply = json.loads(response.content)
        except TimeoutError as error:
            raise self._timed_out() from error
        except Exception as error:
            raise self._translated(error) from shown(error, self)
        return self._completion(reply)

    def _body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        extra = parameters.pop("extra_body", {})
        if (limit := parameters.pop("max_new_tokens", None)) is not None:
            parameters["max_tokens"] = limit
        if "seed" in parameters:
            parameters["seed"] = seed
        if request.response_schema is not None:
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": request.response_schema, "strict": True},
            }
        return {"model": self.model, "messages": list(request.messages), **parameters, **extra}

    def _completion(self, reply: Any) -> Completion:
        try:
            choice = reply["choices"][0]
            text = text_of(choice["message"].get("content"))
            finish_reason = choice.get("finish_reason") or "stop"
            usage = reply.get("usage") or {}
            completion = Completion(
                text=text,
                usage=Usage(
                    int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)
                ),
                finish_reason=finish_reason,
                model=reply.get("model") or self.model,
                request_id=reply.get("id"),
            )
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without a choice.") from error
        if finish_reason == "content_filter" and not text:
            raise ContentFiltered(f"{self.provider} withheld the answer (content filter).")
        return completion

    def _timed_out(self) -> RequestTimedOut:
        return RequestTimedOut(f"{self.url} sent no answer within {self.timeout:g} s.")

    def _translated(self, error: Exception) -> LLMError:
        import httpx2
        import openai

        if isinstance(error, LLMError):
            return error
        if isinstance(error, openai.APIConnectionError):
            cause = error.__cause__
            if isinstance(cause, httpx2.TimeoutException) and cause.__cause__ is None:
                return self._timed_out()
            return ConnectionFailed(f"{self.url} could not be reached: {cause or error}.")
        if isinstance(error, openai.APIStatusError):
            return error_for_status(
                self, error.status_code, error.message, error.code, error.response.headers
            )
        if isinstance(error, (openai.OpenAIError, json.JSONDecodeError, ValueError, OSError)):
            return MalformedReply(
                f"{self.url} sent a reply that cannot be read: {one_line(error, self)}."
            )
        raise error
