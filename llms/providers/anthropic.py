"""Anthropic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from llms.chat import ChatMessage, ChatRequest, Completion, ContentPart, Usage
from llms.config import Operational
from llms.errors import ContentFiltered, ContextLengthExceeded, MalformedReply
from llms.llm import GenerationParameters, RemoteLLM, Reply
from llms.model import Supports
from llms.providers.chat_completions import from_environment
from llms.providers.conversations import calls_of, data_image, other_turns, parts_of, system_text
from llms.providers.packages import OptionalPackage
from llms.providers.posting import post
from llms.providers.replies import finish_reason_of, text_and_reasoning, tool_call

_TOOL_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


class AnthropicParameters(GenerationParameters):
    """Sampling parameters of Anthropic's API, which has no seed.

    The API asks for a limit, so `max_new_tokens` has a default. `thinking` is the API's own object,
    for example `{"type": "enabled", "budget_tokens": 2048}`. `extra_body` is merged into the
    request as it is.
    """

    max_new_tokens: int | None = Field(default=4096, ge=1)
    top_k: int | None = Field(default=None, ge=0)
    thinking: dict[str, Any] | None = None
    extra_body: dict[str, Any] | None = None


class AnthropicLLM(OptionalPackage, RemoteLLM):
    """A model of Anthropic (needs the extra `anthropic`).

    `base_url` defaults to `ANTHROPIC_BASE_URL`, then to Anthropic's own. The key is
    `ANTHROPIC_API_KEY`. `default_headers` are sent with every request.
    """

    provider: ClassVar = "anthropic"
    price_list: ClassVar = "anthropic"
    supports: ClassVar = Supports(structured_output=True, tools=True, images=True)
    key_variables: ClassVar = ("ANTHROPIC_API_KEY",)
    packages: ClassVar = ("anthropic",)
    extra: ClassVar = "anthropic"

    base_url: str | None = from_environment("ANTHROPIC_BASE_URL")
    default_headers: Operational[Mapping[str, str] | None] = Field(
        default=None, exclude=True, repr=False
    )
    generation_kwargs: AnthropicParameters = AnthropicParameters()

    @property
    def url(self) -> str:
        return self.base_url or "https://api.anthropic.com"

    def connect(self) -> Any:
        self.check_packages()
        from anthropic import AsyncAnthropic
        from openai import DefaultAioHttpClient

        return AsyncAnthropic(
            api_key=self.key(),
            base_url=self.url,
            max_retries=0,
            http_client=DefaultAioHttpClient(),
        )

    async def close(self, client: Any) -> None:
        await client.close()

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        import anthropic

        body = self._body(request)
        posted = await post(self, anthropic, client, "/v1/messages", body, self.default_headers)
        return Reply(self._completion(posted.reply), posted.quota)

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        parameters = self.generation_kwargs.model_dump(exclude_none=True, exclude={"seed"})
        extra = parameters.pop("extra_body", {})
        parameters["max_tokens"] = parameters.pop("max_new_tokens", 4096)
        if (stop := parameters.pop("stop", None)) is not None:
            parameters["stop_sequences"] = list(stop)
        if system := system_text(request.messages):
            parameters["system"] = system
        if request.response_schema is not None:
            from anthropic import transform_schema

            schema = transform_schema(dict(request.response_schema))
            parameters["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        if request.tools:
            parameters["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.parameters,
                }
                for tool in request.tools
            ]
            if (choice := request.tool_choice) in _TOOL_CHOICES:
                parameters["tool_choice"] = {"type": _TOOL_CHOICES[choice]}
            elif choice is not None:
                parameters["tool_choice"] = {"type": "tool", "name": choice}
        return {"model": self.model, "messages": _turns(request.messages), **parameters, **extra}

    def _completion(self, reply: Any) -> Completion:
        try:
            blocks = reply["content"]
            text, reasoning = text_and_reasoning(blocks)
            calls = tuple(
                tool_call(block["id"], block["name"], block["input"])
                for block in blocks
                if block["type"] == "tool_use"
            )
            stated = reply["stop_reason"]
            completion = Completion(
                text=text,
                usage=_usage(reply["usage"]),
                finish_reason=finish_reason_of(stated, calls),
                model=reply["model"],
                request_id=reply.get("id"),
                reasoning=reasoning or None,
                tool_calls=calls,
            )
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without content.") from error
        if stated == "refusal" and not text:
            raise ContentFiltered(f"anthropic: {self.model!r} refused to answer.")
        if stated == "model_context_window_exceeded" and not text:
            raise ContextLengthExceeded(f"anthropic: the context of {self.model!r} is full.")
        return completion


def _usage(usage: Mapping[str, Any]) -> Usage:
    cached = int(usage.get("cache_read_input_tokens") or 0)
    written = int(usage.get("cache_creation_input_tokens") or 0)
    of_output = usage.get("output_tokens_details") or {}
    return Usage(
        int(usage["input_tokens"]) + cached + written,
        int(usage["output_tokens"]),
        cached,
        int(of_output.get("thinking_tokens") or 0),
    )


def _turns(messages: Sequence[ChatMessage]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in other_turns(messages):
        role, blocks = _turn(message)
        if turns and turns[-1]["role"] == role == "user":
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _turn(message: ChatMessage) -> tuple[str, list[dict[str, Any]]]:
    blocks = [_block(part) for part in parts_of(message)]
    if message["role"] == "tool":
        result = {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": blocks}
        return "user", [result]
    calls = [
        {"type": "tool_use", "id": id, "name": name, "input": arguments}
        for id, name, arguments in calls_of(message)
    ]
    return message["role"], [*blocks, *calls]


def _block(part: ContentPart) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    url = part["image_url"]["url"]
    image = data_image(url)
    if image is None:
        return {"type": "image", "source": {"type": "url", "url": url}}
    source = {"type": "base64", "media_type": image.media_type, "data": image.data}
    return {"type": "image", "source": source}
