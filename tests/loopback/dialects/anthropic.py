"""Anthropic's `/v1/messages`."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback.dialects.dialect import Body, Dialect, without_nothing
from tests.loopback.faults import Status

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def _read(body: Body) -> Body:
    messages: list[Body] = []
    if body.get("system"):
        messages.append({"role": "system", "content": _text(body["system"])})
    for message in body["messages"]:
        messages += _read_turn(message["role"], message["content"])
    output_format = (body.get("output_config") or {}).get("format")
    return without_nothing(
        {
            "model": body["model"],
            "messages": messages,
            "max_tokens": int(body["max_tokens"]),
            "temperature": body.get("temperature"),
            "top_p": body.get("top_p"),
            "stop": body.get("stop_sequences"),
            "tools": [_read_tool(tool) for tool in body["tools"]] if body.get("tools") else None,
            "tool_choice": _read_choice(body["tool_choice"]) if "tool_choice" in body else None,
            "response_format": output_format
            and {"type": "json_schema", "json_schema": {"schema": output_format["schema"]}},
        }
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def _read_turn(role: str, content: Any) -> list[Body]:
    """One turn; results of tools become turns of their own, ahead of what else it says."""
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    results, parts, calls = [], [], []
    for block in content:
        match block["type"]:
            case "text":
                parts.append({"type": "text", "text": block["text"]})
            case "image":
                parts.append({"type": "image_url", "image_url": {"url": _url(block["source"])}})
            case "tool_use":
                function = {"name": block["name"], "arguments": json.dumps(block["input"])}
                calls.append({"id": block["id"], "type": "function", "function": function})
            case "tool_result":
                said = _text(block.get("content") or "")
                call_id = block["tool_use_id"]
                results.append({"role": "tool", "tool_call_id": call_id, "content": said})
    if not parts and not calls:
        return results
    only_text = all(part["type"] == "text" for part in parts)
    turn: Body = {"role": role, "content": _text(parts) if only_text else parts}
    return [*results, {**turn, "tool_calls": calls} if calls else turn]


def _url(source: Body) -> str:
    if source["type"] == "url":
        return str(source["url"])
    return f"data:{source['media_type']};base64,{source['data']}"


def _read_tool(tool: Body) -> Body:
    described = {"name": tool["name"], "description": tool.get("description", "")}
    return {"type": "function", "function": {**described, "parameters": tool["input_schema"]}}


def _read_choice(choice: Body) -> Any:
    if choice["type"] == "tool":
        return {"type": "function", "function": {"name": choice["name"]}}
    return _CHOICES[choice["type"]]


def _write(answer: Body) -> Body:
    [choice] = answer["choices"]
    message, usage = choice["message"], answer["usage"]
    content: list[Body] = []
    if message.get("reasoning_content"):
        thought = message["reasoning_content"]
        content.append({"type": "thinking", "thinking": thought, "signature": "c2lnbmVk"})
    if message.get("content"):
        content.append({"type": "text", "text": message["content"], "citations": None})
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = json.loads(function["arguments"])
        block = {"id": call["id"], "name": function["name"], "input": arguments}
        content.append({"type": "tool_use", **block})
    cached = usage.get("prompt_tokens_details", {}).get("cached_tokens", 0)
    return {
        "id": answer["id"],
        "type": "message",
        "role": "assistant",
        "model": answer["model"],
        "content": content,
        "stop_reason": _STOP_REASONS[choice["finish_reason"]],
        "stop_sequence": None,
        "usage": {
            "input_tokens": usage["prompt_tokens"] - cached,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": 0,
            "output_tokens": usage["completion_tokens"],
        },
    }


def _error(status: Status) -> Body:
    kind = _ERRORS.get(status.code, "api_error")
    error = {"type": status.error or kind, "message": status.message}
    return {"type": "error", "error": error, "request_id": "req_loopback"}


ANTHROPIC = Dialect(_read, _write, _error)
