"""The values that pass between a task and a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

from llms.spending import Calls, Receipt, calls_of


class TextPart(TypedDict):
    """Text beside images in one turn."""

    type: Literal["text"]
    text: str


class ImageURL(TypedDict):
    """Where an image is: an `https:` address, or a `data:` URL that holds it."""

    url: str


class ImagePart(TypedDict):
    """An image in a turn; `llms.images.image_part` makes one from a path, bytes or a PIL image."""

    type: Literal["image_url"]
    image_url: ImageURL


ContentPart = TextPart | ImagePart


class ChatMessage(TypedDict):
    """One turn of a conversation; `role` is system, user, assistant or tool.

    An assistant's turn may carry `tool_calls`, in the shape `ToolCall.as_message` gives; the turn
    with a tool's result names the call it answers by `tool_call_id`.
    """

    role: str
    content: str | list[ContentPart]
    tool_calls: NotRequired[list[dict[str, Any]]]
    tool_call_id: NotRequired[str]


ChatType = list[ChatMessage]
"""A conversation, oldest turn first."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON schema (object)."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is the JSON text the model wrote."""

    id: str
    name: str
    arguments: str

    def as_message(self) -> dict[str, Any]:
        """Return the call as it stands in an assistant's turn."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model, without the model.

    With a `response_schema` (JSON schema of an object) the answer's `structured` follows it:
    enforced by the provider where it can, read from the reply's text where it cannot, and asked
    again up to `corrections` times, with the error, where it does not fit. `tool_choice` is
    "auto", "none", "required" or the name of a tool. With `open_turn` "user" the model writes the
    user's next turn and not the assistant's; the conversation before it may be empty, and the
    request has no schema and no tools.
    """

    messages: Sequence[ChatMessage]
    response_schema: Mapping[str, Any] | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str | None = None
    corrections: int = 2
    open_turn: Literal["user"] | None = None

    @property
    def content(self) -> list[Any]:
        """What decides the answer, as plain values."""
        content: list[Any] = [list(self.messages), self.response_schema]
        if self.tools:
            tools = [[tool.name, tool.description, tool.parameters] for tool in self.tools]
            content += [tools, self.tool_choice]
        if self.open_turn is not None:
            content.append({"open_turn": self.open_turn})
        return content


@dataclass(frozen=True, slots=True)
class Sample:
    """Whose answer it is: requests that are equal but for their sample get answers of their own.

    `owner` names the row (empty for calls by hand), `index` counts its equal requests from 0.
    """

    owner: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a request was billed for.

    `cached_tokens` are part of `input_tokens`, `reasoning_tokens` part of `output_tokens`.
    """

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer.

    `model` is the model as the provider returned it, `finish_reason` is "stop" for an answer that
    ended by itself, "length" for one that was cut at the token limit and "tool_calls" for one that
    asks for tools. `reasoning` is what the model thought aloud, apart from the answer; `logprobs`
    lists, for each position, the likeliest tokens as `{"token", "logprob"}`. `cost_usd` is what
    the call cost in US dollars, None where the price is not known. `structured` is the value that
    a response schema asked for.
    """

    text: str
    usage: Usage
    finish_reason: str
    model: str
    request_id: str | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: list[list[dict[str, Any]]] | None = None
    cost_usd: float | None = None
    structured: Any = field(default=None, compare=False)

    @property
    def written(self) -> str:
        """The structured value as JSON where a schema asked for one, else the text."""
        if self.structured is None:
            return self.text
        return json.dumps(self.structured, ensure_ascii=False)

    def as_json(self) -> dict[str, Any]:
        """Return the completion as plain JSON values; what is empty or derived is left out."""
        value: dict[str, Any] = {
            "text": self.text,
            "usage": asdict(self.usage),
            "finish_reason": self.finish_reason,
            "model": self.model,
            "request_id": self.request_id,
            "reasoning": self.reasoning,
            "tool_calls": [asdict(call) for call in self.tool_calls] or None,
            "logprobs": self.logprobs,
            "cost_usd": self.cost_usd,
        }
        return {name: item for name, item in value.items() if item is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Completion:
        """Rebuild a completion from `as_json`."""
        calls = tuple(ToolCall(**call) for call in value.get("tool_calls", ()))
        return cls(**{**value, "usage": Usage(**value["usage"]), "tool_calls": calls})


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion, and the receipts of all answers behind it, in the order they were asked for."""

    completion: Completion
    receipts: tuple[Receipt, ...]

    @property
    def reused(self) -> bool:
        """Whether all of it came from the store."""
        return all(receipt.reused for receipt in self.receipts)

    @property
    def calls(self) -> Calls:
        """The calls behind it."""
        return calls_of(self.receipts)


def text_content(message: ChatMessage) -> str:
    """Return the text of a turn, with a short mark where an image stands."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(
        part["text"] if part["type"] == "text" else f"[image {part['image_url']['url'][:60]}]"
        for part in content
    )
