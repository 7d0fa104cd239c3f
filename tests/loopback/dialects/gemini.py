"""Google's `/v1beta/models/{model}:generateContent`."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback.dialects.dialect import Body, Dialect, without_nothing
from tests.loopback.faults import Status

_FINISH_REASONS = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_ERRORS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_ROLES = {"user": "user", "model": "assistant"}
_SCHEMA_NAMES = ("parametersJsonSchema", "parameters_json_schema", "parameters")
_CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def _read(body: Body) -> Body:
    """The model stands in the path and is put into the body before it is read."""
    messages: list[Body] = []
    if body.get("systemInstruction"):
        text = _text(body["systemInstruction"]["parts"])
        messages.append({"role": "system", "content": text})
    for content in body["contents"]:
        messages += _read_turn(_ROLES[content.get("role") or "user"], content["parts"])
    config = body.get("generationConfig") or {}
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    declared = [
        _read_tool(declaration)
        for tool in body.get("tools") or ()
        for declaration in tool.get("functionDeclarations") or ()
    ]
    return without_nothing(
        {
            "model": body["model"],
            "messages": messages,
            "max_tokens": config.get("maxOutputTokens"),
            "temperature": config.get("temperature"),
            "top_p": config.get("topP"),
            "stop": config.get("stopSequences"),
            "seed": config.get("seed"),
            "logprobs": config.get("responseLogprobs"),
            "top_logprobs": config.get("logprobs"),
            "tools": declared or None,
            "tool_choice": _read_choice(body.get("toolConfig")),
            "response_format": schema
            and {"type": "json_schema", "json_schema": {"schema": schema}},
        }
    )


def _text(parts: list[Body]) -> str:
    return "\n".join(part["text"] for part in parts if "text" in part)


def _read_turn(role: str, parts: list[Body]) -> list[Body]:
    """One turn; results of functions become turns of their own."""
    results, said, calls = [], [], []
    for part in parts:
        if "functionCall" in part:
            call = part["functionCall"]
            function = {"name": call["name"], "arguments": json.dumps(call.get("args") or {})}
            call_id = call.get("id") or call["name"]
            calls.append({"id": call_id, "type": "function", "function": function})
        elif "functionResponse" in part:
            result = part["functionResponse"]
            text = json.dumps(result["response"])
            call_id = result.get("id") or result["name"]
            results.append({"role": "tool", "tool_call_id": call_id, "content": text})
        elif "inlineData" in part:
            data = part["inlineData"]
            url = f"data:{data['mimeType']};base64,{data['data']}"
            said.append({"type": "image_url", "image_url": {"url": url}})
        elif "fileData" in part:
            said.append({"type": "image_url", "image_url": {"url": part["fileData"]["fileUri"]}})
        elif not part.get("thought"):
            said.append({"type": "text", "text": part["text"]})
    if not said and not calls:
        return results
    only_text = all(part["type"] == "text" for part in said)
    turn: Body = {"role": role, "content": _text(said) if only_text else said}
    return [*results, {**turn, "tool_calls": calls} if calls else turn]


def _read_tool(declaration: Body) -> Body:
    schema: Body = next(filter(None, map(declaration.get, _SCHEMA_NAMES)), {})
    described = {"name": declaration["name"], "description": declaration.get("description", "")}
    return {"type": "function", "function": {**described, "parameters": schema}}


def _read_choice(config: Body | None) -> Any:
    if not config or "functionCallingConfig" not in config:
        return None
    calling = config["functionCallingConfig"]
    if names := calling.get("allowedFunctionNames"):
        return {"type": "function", "function": {"name": names[0]}}
    return _CHOICES[calling["mode"]]


def _write(answer: Body) -> Body:
    [choice] = answer["choices"]
    message, usage = choice["message"], answer["usage"]
    parts: list[Body] = []
    if message.get("reasoning_content"):
        parts.append({"text": message["reasoning_content"], "thought": True})
    if message.get("content"):
        parts.append({"text": message["content"]})
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = json.loads(function["arguments"])
        parts.append(
            {"functionCall": {"id": call["id"], "name": function["name"], "args": arguments}}
        )
    candidate: Body = {
        "index": 0,
        "content": {"role": "model", "parts": parts},
        "finishReason": _FINISH_REASONS[choice["finish_reason"]],
    }
    if choice.get("logprobs"):
        candidate["logprobsResult"] = _write_logprobs(choice["logprobs"]["content"])
    return {
        "responseId": answer["id"],
        "modelVersion": answer["model"],
        "candidates": [candidate],
        "usageMetadata": _write_usage(usage),
    }


def _write_usage(usage: Body) -> Body:
    thought = usage.get("completion_tokens_details", {}).get("reasoning_tokens", 0)
    written = {
        "promptTokenCount": usage["prompt_tokens"],
        "candidatesTokenCount": usage["completion_tokens"] - thought,
        "totalTokenCount": usage["total_tokens"],
    }
    if "prompt_tokens_details" in usage:
        written["cachedContentTokenCount"] = usage["prompt_tokens_details"]["cached_tokens"]
        written["thoughtsTokenCount"] = thought
    return written


def _write_logprobs(positions: list[Body]) -> Body:
    def shown(position: Body) -> Body:
        return {"token": position["token"], "logProbability": position["logprob"]}

    return {
        "chosenCandidates": [shown(position) for position in positions],
        "topCandidates": [
            {"candidates": [shown(other) for other in position["top_logprobs"]]}
            for position in positions
        ],
    }


def _error(status: Status) -> Body:
    kind = status.error or _ERRORS.get(status.code, "UNKNOWN")
    return {"error": {"code": status.code, "message": status.message, "status": kind}}


GEMINI = Dialect(_read, _write, _error)
