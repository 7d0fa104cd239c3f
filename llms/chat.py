"""The values that pass between a task and a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypedDict


class ChatMessage(TypedDict):
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str


ChatType = list[ChatMessage]
"""A conversation, oldest turn first."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked of a model, without the model.

    `response_schema` is a JSON schema (object) that the reply must follow, where the provider can
    enforce one.
    """

    messages: Sequence[ChatMessage]
    response_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Whose answer it is: requests that are equal but for their sample get answers of their own.

    `owner` names the row (empty for calls by hand), `index` counts its equal requests from 0.
    """

    owner: str = ""
    index: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that a request was billed for."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer.

    `model` is the model as the provider returned it, `finish_reason` is "stop" for an answer that
    ended by itself and "length" for one that was cut at the token limit.
    """

    text: str
    usage: Usage
    finish_reason: str
    model: str
    request_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the completion as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Completion:
        """Rebuild a completion from `as_json`."""
        return cls(**{**value, "usage": Usage(**value["usage"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """A completion and whether it was `reused` from the store instead of asked for."""

    completion: Completion
    reused: bool
