"""Asking for structured answers in words, where a provider cannot enforce them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llms.chat import ChatMessage, ChatRequest, ContentPart
from llms.structured.reading import after_reasoning

_LONGEST_REPLY = 8_000
"""Characters of an unfit reply that a correction shows to the model, half from either end."""

_INSTRUCTION = """\
Reply with exactly one JSON object and nothing around it: no introduction, no comment, no code \
fence. The object must be valid against this JSON schema:
{schema}"""

_CORRECTION = """\
Your reply cannot be used. {reason}
Write the whole reply again, mended: exactly one JSON object that follows the JSON schema, and \
nothing around it."""


def instructed(request: ChatRequest) -> ChatRequest:
    """Return a request that asks for its schema in words, for providers that enforce none.

    The instruction joins the first system turn, or becomes one in front of the others.
    """
    if request.response_schema is None:
        return request
    instruction = _INSTRUCTION.format(schema=_written(request.response_schema))
    messages = list(request.messages)
    for place, message in enumerate(messages):
        if message["role"] == "system":
            messages[place] = _with_text(message, instruction)
            break
    else:
        messages.insert(0, {"role": "system", "content": instruction})
    return replace(request, messages=messages, response_schema=None)


def correction(request: ChatRequest, reply: str, reason: str) -> ChatRequest:
    """Return the request that follows an unfit reply: the conversation, the reply and the reason.

    The reply stands there without its reasoning; of a very long one, only both ends.
    """
    said: ChatMessage = {"role": "assistant", "content": shortened(after_reasoning(reply))}
    asked: ChatMessage = {"role": "user", "content": _CORRECTION.format(reason=reason)}
    return replace(request, messages=[*request.messages, said, asked])


def _written(schema: Mapping[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, default=dict)


def _with_text(message: ChatMessage, text: str) -> ChatMessage:
    content = message["content"]
    if isinstance(content, str):
        return {**message, "content": f"{content}\n\n{text}" if content else text}
    added: ContentPart = {"type": "text", "text": text}
    return {**message, "content": [*content, added]}


def shortened(reply: str) -> str:
    """Return a reply as a turn of a chat; of a very long one, only both ends."""
    if not reply:
        return "(no text)"  # several providers refuse a turn without content
    if len(reply) <= _LONGEST_REPLY:
        return reply
    half = _LONGEST_REPLY // 2
    return f"{reply[:half]}\n[...]\n{reply[-half:]}"
