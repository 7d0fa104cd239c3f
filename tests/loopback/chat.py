"""What a model says, in the shape of a chat completion."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

Reply = Callable[[dict[str, Any]], str | dict[str, Any]]
"""Returns what answers a chat request: its text, or a message of `content`, `tool_calls`,
`reasoning_content` and `finish_reason`, each as it is needed."""

MODEL = "loopback-model"


class UnreadableRequest(Exception):
    """A body is not what its path asks for."""


def default_reply(body: dict[str, Any]) -> str:
    """Answer by content: equal conversations get equal texts, others different ones."""
    messages = body["messages"]
    said = blake2b(json.dumps(messages, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"Answer {said} to: {messages[-1]['content']}"


def fixed_reply(text: str) -> Reply:
    """Return a reply that says the same to everyone."""
    return lambda body: text


def check_chat(body: dict[str, Any]) -> None:
    """Raise `UnreadableRequest` unless the body is a chat request."""
    messages = body.get("messages")
    if not isinstance(body.get("model"), str):
        raise UnreadableRequest("model is missing")
    if not isinstance(messages, list) or not messages:
        raise UnreadableRequest("messages is not a list of turns")
    if not all(isinstance(message, dict) and "role" in message for message in messages):
        raise UnreadableRequest("a message has no role")


def chat_completion(
    body: dict[str, Any], said: str | dict[str, Any], name: str, *, details: bool
) -> dict[str, Any]:
    """Return the answer to a request, under a name that no other answer has.

    `details` adds cached and reasoning tokens to the usage.
    """
    message: dict[str, Any] = {"content": said} if isinstance(said, str) else dict(said)
    ending = message.pop("finish_reason", "tool_calls" if message.get("tool_calls") else "stop")
    if message.get("tool_calls"):
        message["tool_calls"] = [
            {"id": f"call_{name}_{index}", "type": "function", **call}
            for index, call in enumerate(message["tool_calls"])
        ]
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": None, **message},
        "finish_reason": ending,
    }
    if body.get("logprobs"):
        content = message.get("content") or ""
        choice["logprobs"] = _logprobs(content, body.get("top_logprobs") or 0)
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
        "usage": _usage(body, message, details=details),
    }


def _usage(body: dict[str, Any], message: dict[str, Any], *, details: bool) -> dict[str, Any]:
    asked = sum(_words(turn.get("content")) for turn in body["messages"])
    thought = _words(message.get("reasoning_content"))
    called = sum(_words(call["function"]["arguments"]) for call in message.get("tool_calls") or ())
    said = _words(message.get("content")) + thought + called
    usage: dict[str, Any] = {
        "prompt_tokens": asked,
        "completion_tokens": said,
        "total_tokens": asked + said,
    }
    if details:
        usage["prompt_tokens_details"] = {"cached_tokens": asked // 2}
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage


def _words(content: Any) -> int:
    return len(str(content).split()) if content else 0


def _logprobs(text: str, others: int) -> dict[str, Any]:
    """Each word is a token; the likelier ones come first, the one that was said ahead of all."""
    positions = []
    for word in text.split():
        likeliest = [_logprob(word, 0)]
        likeliest += [_logprob(f"{word}{rank}", rank) for rank in range(1, others)]
        positions.append({**likeliest[0], "top_logprobs": likeliest[:others]})
    return {"content": positions, "refusal": None}


def _logprob(token: str, rank: int) -> dict[str, Any]:
    return {"token": token, "logprob": -0.1 - rank, "bytes": list(token.encode())}
