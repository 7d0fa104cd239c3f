"""How providers write answers, turned into the parts of a `Completion`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from llms.chat import ToolCall, Usage

_INLINE_THOUGHT = re.compile(r"\s*<think>(.*?)</think>\s*", re.DOTALL)
_FINISH_REASONS = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
}


def clean(text: str) -> str:
    """Return text without halves of surrogate pairs, which cannot be stored."""
    if text.isascii():
        return text
    return text.encode(errors="surrogatepass").decode(errors="replace")


def text_of(content: Any) -> str:
    """Join the text parts of a message's content.

    Raises:
        TypeError: it is not text.
    """
    return text_and_reasoning(content)[0]


def text_and_reasoning(content: Any) -> tuple[str, str]:
    """Return the text of a message's content and, apart from it, what its thinking parts say.

    Raises:
        TypeError: it is neither text nor a list of parts.
    """
    if content is None:
        return "", ""
    if isinstance(content, str):
        return clean(content), ""
    if not isinstance(content, list):
        raise TypeError(f"content is a {type(content).__name__}")
    text = [part["text"] for part in content if part.get("type") == "text"]
    thoughts = [part["thinking"] for part in content if part.get("type") == "thinking"]
    return clean("".join(text)), "".join(
        thought if isinstance(thought, str) else text_of(thought) for thought in thoughts
    )


def without_inline_thought(text: str, finish_reason: str) -> tuple[str, str]:
    """Split off a `<think>` part that a server has left at the start of the text.

    A part that was cut at the token limit is all the text there is.
    """
    if not text.lstrip().startswith("<think>"):
        return text, ""
    if found := _INLINE_THOUGHT.match(text):
        return text[found.end() :], found[1].strip()
    if finish_reason == "length":
        return "", text.lstrip().removeprefix("<think>").strip()
    return text, ""


def finish_reason_of(stated: str | None, tool_calls: Sequence[ToolCall]) -> str:
    """Return a provider's finish reason as one of stop, length, tool_calls and content_filter."""
    reason = _FINISH_REASONS.get((stated or "stop").lower(), "stop")
    return "tool_calls" if tool_calls and reason == "stop" else reason


def tool_call(id: str, name: str, arguments: Any) -> ToolCall:
    """Return a tool call; arguments that are not JSON text yet become it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return ToolCall(id, name, clean(text))


def tool_calls_of(calls: Sequence[Mapping[str, Any]] | None) -> tuple[ToolCall, ...]:
    """Return the tool calls of a message in the chat completions shape."""
    return tuple(
        tool_call(
            call.get("id") or f"call_{number}",
            call["function"]["name"],
            call["function"].get("arguments"),
        )
        for number, call in enumerate(calls or ())
    )


def logprobs_of(positions: Sequence[Mapping[str, Any]] | None) -> list[list[dict[str, Any]]] | None:
    """Return the likeliest tokens of each position, the chosen one among them."""
    return [_likeliest(position) for position in positions] if positions else None


def usage_of(usage: Mapping[str, Any] | None) -> Usage:
    """Return the tokens of a reply in the chat completions shape; what is not stated is 0."""
    if not usage:
        return Usage(0, 0)
    of_input = usage.get("prompt_tokens_details") or {}
    of_output = usage.get("completion_tokens_details") or {}
    return Usage(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(of_input.get("cached_tokens") or 0),
        int(of_output.get("reasoning_tokens") or 0),
    )


def _likeliest(position: Mapping[str, Any]) -> list[dict[str, Any]]:
    tokens = [
        {"token": clean(each["token"]), "logprob": each["logprob"]}
        for each in (*(position.get("top_logprobs") or ()), position)
    ]
    chosen = tokens.pop()
    return tokens if chosen in tokens else [chosen, *tokens]
