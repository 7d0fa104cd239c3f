"""The chat completions API, which OpenAI made and most other servers speak."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatRequest, Completion
from llms.errors import (
    ConfigurationError,
    ContentFiltered,
    LLMError,
    MalformedReply,
    ServerFailed,
)
from llms.llm import GenerationParameters, RemoteLLM, Reply
from llms.model import Supports
from llms.providers.http_api import HttpApi
from llms.providers.quotas import quota_of
from llms.providers.replies import (
    finish_reason_of,
    logprobs_of,
    text_and_reasoning,
    tool_calls_of,
    usage_of,
    without_inline_thought,
)
from llms.providers.responses import (
    error_for_status,
    one_line,
    read_error,
)
from llms.quota import Quota
from llms.structured import provider_schema

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_BROKEN_OFF = {"error", "insufficient_system_resource", "abort"}


class ChatCompletionsParameters(GenerationParameters):
    """Sampling parameters of the chat completions API.

    `logprobs` asks for the probabilities of the tokens, `top_logprobs` for so many of the
    likeliest in each place. `extra_body` is merged into the request as it is, for parameters of
    one server only.
    """

    frequency_penalty: float | None = Field(default=None, ge=-2, le=2)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2)
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    extra_body: dict[str, Any] | None = None


class ChatCompletionsLLM(HttpApi, RemoteLLM):
    """A model behind the chat completions API; a provider adds its address and its differences."""

    supports: ClassVar = Supports(
        structured_output=True, tools=True, images=True, logprobs=True, seed=True
    )
    limit_parameter: ClassVar[str] = "max_tokens"
    seed_parameter: ClassVar[str] = "seed"

    generation_kwargs: ChatCompletionsParameters = ChatCompletionsParameters()

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        return await self.post(client, self.batch_body(request, seed))

    async def post(
        self, client: Any, body: dict[str, Any], path: str = "/chat/completions"
    ) -> Reply:
        """Send a request's body and read what comes back.

        Raises:
            LLMError: no answer came.
        """
        posted = await self.post_json(client, path, body, self.read_quota)
        return Reply(self.read_reply(posted.reply), posted.quota)

    def batch_body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        """Return the JSON body that asks for an answer, in a call or in a line of a batch."""
        parameters = self.generation_kwargs.model_dump(exclude_none=True)
        extra = parameters.pop("extra_body", {})
        if (limit := parameters.pop("max_new_tokens", None)) is not None:
            parameters[self.limit_parameter] = limit
        if parameters.pop("seed", None) is not None:
            parameters[self.seed_parameter] = seed
        if "top_logprobs" in parameters:
            parameters.setdefault("logprobs", True)
        if request.response_schema is not None:
            schema, strict = provider_schema(request.response_schema)
            parameters["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "reply", "schema": schema, "strict": strict},
            }
        if request.tools:
            parameters["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in request.tools
            ]
            if (choice := request.tool_choice) in ("auto", "none", "required"):
                parameters["tool_choice"] = choice
            elif choice is not None:
                parameters["tool_choice"] = {"type": "function", "function": {"name": choice}}
        return {"model": self.model, "messages": list(request.messages), **parameters, **extra}

    def read_reply(self, reply: Any) -> Completion:
        """Return the answer that a reply of the API holds.

        Raises:
            LLMError: it holds none.
        """
        if isinstance(reply, dict) and reply.get("error") and not reply.get("choices"):
            raise self._reported(reply)
        try:
            completion = self._completion(reply)
            choice = reply["choices"][0]
            stated, refusal = choice.get("finish_reason"), choice["message"].get("refusal")
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without a choice.") from error
        if stated in _BROKEN_OFF:
            raise ServerFailed(f"{self.url} broke the answer off (finish reason {stated!r}).")
        if not completion.text and not completion.tool_calls:
            if refusal:
                raise ContentFiltered(f"{self.provider} refused: {one_line(refusal, self)}")
            if completion.finish_reason == "content_filter":
                raise ContentFiltered(f"{self.provider} withheld the answer (content filter).")
        return completion

    def read_quota(self, headers: Mapping[str, str]) -> Quota | None:
        """Return what a reply's headers say of the account's limits."""
        return quota_of(headers)

    def _completion(self, reply: Any) -> Completion:
        choice = reply["choices"][0]
        message = choice["message"]
        calls = tool_calls_of(message.get("tool_calls"))
        reason = finish_reason_of(choice.get("finish_reason"), calls)
        text, thought = text_and_reasoning(message.get("content"))
        text, inline = without_inline_thought(text, reason)
        stated = message.get("reasoning_content") or message.get("reasoning")
        reasoning = text_and_reasoning(stated)[0] or thought or inline
        return Completion(
            text=text,
            usage=usage_of(reply.get("usage")),
            finish_reason=reason,
            model=reply.get("model") or self.model,
            request_id=reply.get("id"),
            reasoning=reasoning or None,
            tool_calls=calls,
            logprobs=logprobs_of((choice.get("logprobs") or {}).get("content")),
        )

    def _reported(self, reply: dict[str, Any]) -> LLMError:
        """Return the error that a reply with status 200 reports in its body."""
        message, code = read_error(reply, "an error without a message")
        if code is not None and code.isdigit() and 400 <= int(code) < 600:
            return error_for_status(self, int(code), message, code, {})
        return MalformedReply(f"{self.url} sent an error for an answer: {one_line(message, self)}")


def from_environment(*variables: str) -> Any:
    """Return a field whose default is the first of these environment variables that is set."""
    return Field(
        default_factory=lambda: next(filter(None, map(os.environ.get, variables)), None),
    )


def needed_url(llm: str, url: str | None, variable: str) -> str:
    """Return a base URL that has no default.

    Raises:
        ConfigurationError: there is none.
    """
    if url is None:
        raise ConfigurationError(
            f"{llm} has no address: pass base_url= or set the environment variable {variable}."
        )
    return url
