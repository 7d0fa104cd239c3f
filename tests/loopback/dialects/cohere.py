"""Cohere's `/v2/chat`."""

from __future__ import annotations

from typing import Any

from tests.loopback.dialects.dialect import Body, Dialect, without_nothing
from tests.loopback.faults import Status

_FINISH_REASONS = {
    "stop": "COMPLETE",
    "length": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR",
}
_CHOICES = {"REQUIRED": "required", "NONE": "none"}


def _read(body: Body) -> Body:
    wanted = body.get("response_format") or {}
    schema = wanted.get("json_schema") or wanted.get("schema")
    return without_nothing(
        {
            "model": body["model"],
            "messages": [_read_turn(message) for message in body["messages"]],
            "max_tokens": body.get("max_tokens"),
            "temperature": body.get("temperature"),
            "top_p": body.get("p"),
            "stop": body.get("stop_sequences"),
            "seed": body.get("seed"),
            "logprobs": body.get("logprobs"),
            "tools": body.get("tools"),
            "tool_choice": _CHOICES[body["tool_choice"]] if body.get("tool_choice") else None,
            "response_format": schema
            and {"type": "json_schema", "json_schema": {"schema": schema}},
        }
    )


def _read_turn(message: Body) -> Body:
    content = message.get("content") or ""
    if isinstance(content, list) and all(part["type"] == "text" for part in content):
        content = "\n".join(part["text"] for part in content)
    return {**message, "content": content}


def _write(answer: Body) -> Body:
    [choice] = answer["choices"]
    said, usage = choice["message"], answer["usage"]
    content: list[Body] = []
    if said.get("reasoning_content"):
        content.append({"type": "thinking", "thinking": said["reasoning_content"]})
    if said.get("content"):
        content.append({"type": "text", "text": said["content"]})
    message: Body = {"role": "assistant", "content": content}
    if said.get("tool_calls"):
        message["tool_calls"] = said["tool_calls"]
    tokens = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    counted: dict[str, Any] = {"billed_units": tokens, "tokens": tokens}
    if "prompt_tokens_details" in usage:
        counted["cached_tokens"] = usage["prompt_tokens_details"]["cached_tokens"]
    written = {
        "id": answer["id"],
        "finish_reason": _FINISH_REASONS[choice["finish_reason"]],
        "message": message,
        "usage": counted,
    }
    if choice.get("logprobs"):
        written["logprobs"] = [
            {"text": position["token"], "token_ids": [index], "logprobs": [position["logprob"]]}
            for index, position in enumerate(choice["logprobs"]["content"])
        ]
    return written


def _error(status: Status) -> Body:
    return {"id": "error", "message": status.message}


COHERE = Dialect(_read, _write, _error)
