"""Conversations taken apart, for the APIs that are not shaped like chat completions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llms.chat import ChatMessage, ContentPart, text_content


@dataclass(frozen=True, slots=True)
class DataImage:
    """An image inside a `data:` URL: its media type, and its bytes in base 64."""

    media_type: str
    data: str


def system_text(messages: Sequence[ChatMessage]) -> str:
    """Return the system turns as one text."""
    return "\n\n".join(text_content(each) for each in messages if each["role"] == "system")


def other_turns(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return the turns that are not the system's."""
    return [each for each in messages if each["role"] != "system"]


def parts_of(message: ChatMessage) -> list[ContentPart]:
    """Return the content of a turn as parts; empty text is no part."""
    content = message["content"]
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def data_image(url: str) -> DataImage | None:
    """Return the image that a `data:` URL holds, None for an address."""
    if not url.startswith("data:"):
        return None
    head, _, data = url.removeprefix("data:").partition(",")
    return DataImage(head.partition(";")[0], data)


def calls_of(message: ChatMessage) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Return id, function name and arguments of the tool calls in an assistant's turn."""
    for call in message.get("tool_calls") or ():
        function = call["function"]
        yield call["id"], function["name"], arguments_of(function["arguments"])


def called_names(messages: Sequence[ChatMessage]) -> dict[str, str]:
    """Return the names of all functions called in a conversation, by the calls' ids."""
    return {id: name for message in messages for id, name, _ in calls_of(message)}


def arguments_of(text: str) -> Mapping[str, Any]:
    """Return the arguments that a model wrote as JSON; what is no object stands under `value`."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"value": value}
