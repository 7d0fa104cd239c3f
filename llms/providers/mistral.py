"""Mistral AI, through its own SDK."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatRequest, Completion, Usage
from llms.errors import (
    ConnectionFailed,
    LLMError,
    MalformedReply,
    RequestTimedOut,
)
from llms.llm import GenerationParameters, RemoteLLM
from llms.providers.responses import error_for_status, one_line, shown, text_of


class MistralParameters(GenerationParameters):
    """Sampling parameters of Mistral's chat API."""

    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    safe_prompt: bool | None = None


class MistralLLM(RemoteLLM):
    """A model of Mistral AI.

    `endpoint` defaults to `MISTRAL_ENDPOINT`, then to Mistral's own; it counts as part of the
    model's identity. The key is `MISTRAL_API_KEY`.
    """

    provider: ClassVar = "mistral"
    key_variables: ClassVar = ("MISTRAL_API_KEY", "MISTRALAI_API_KEY")

    endpoint: str | None = Field(
        default_factory=lambda: os.environ.get("MISTRAL_ENDPOINT") or None,
    )
    generation_kwargs: MistralParameters = MistralParameters()

    @property
    def url(self) -> str:
        return self.endpoint or "https://api.mistral.ai"

    def connect(self) -> Any:
        from mistralai.client import Mistral

        return Mistral(api_key=self.key(), server_url=self.url)

    async def close(self, client: Any) -> None:
        await client.__aexit__(None, None, None)

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Completion:
        try:
            async with asyncio.timeout(self.timeout):
                reply = await client.chat.complete_async(
                    **self._body(request, seed), timeout_ms=int(self.timeout * 1000)
                )
        except TimeoutError as error:
            raise self._timed_out() from error
        except Exception as error:
            raise self._translated(error) from shown(error, self)
        return self._completion(reply)

    def _body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        if (limit := parameters.pop("max_new_tokens", None)) is not None:
            parameters["max_tokens"] = limit
        if parameters.pop("seed", None) is not None:
            parameters["random_seed"] = seed
        if request.response_schema is not None:
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": "reply",
                    "schema_definition": request.response_schema,
                    "strict": True,
                },
            }
        return {"model": self.model, "messages": list(request.messages), **parameters}

    def _completion(self, reply: Any) -> Completion:
        if reply is None or not reply.choices or reply.choices[0].message is None:
            raise MalformedReply(f"{self.url} sent a reply without choices.")
        choice = reply.choices[0]
        return Completion(
            text=text_of(choice.message.content),
            usage=Usage(reply.usage.prompt_tokens or 0, reply.usage.completion_tokens or 0),
            finish_reason=str(choice.finish_reason or "stop"),
            model=reply.model,
            request_id=reply.id,
        )

    def _timed_out(self) -> RequestTimedOut:
        return RequestTimedOut(f"{self.url} sent no answer within {self.timeout:g} s.")

    def _translated(self, error: Exception) -> LLMError:
        import httpx2
        from mistralai.client import errors

        if isinstance(error, LLMError):
            return error
        if isinstance(error, httpx2.TimeoutException):
            return self._timed_out()
        if isinstance(error, httpx2.TransportError):
            return ConnectionFailed(f"{self.url} could not be reached: {error}.")
        if isinstance(error, errors.MistralError) and error.status_code >= 400:
            message, code = _said(error.body, error.message)
            return error_for_status(self, error.status_code, message, code, error.headers)
        if isinstance(error, (errors.MistralError, errors.NoResponseError, ValueError, OSError)):
            return MalformedReply(
                f"{self.url} sent a reply that cannot be read: {one_line(error, self)}."
            )
        raise error


def _said(body: str, otherwise: str) -> tuple[str, str | None]:
    """Return message and code of an error body."""
    try:
        error = json.loads(body)
        return str(error.get("message") or error["detail"]), error.get("code")
    except (ValueError, LookupError, AttributeError):
        return otherwise, None
