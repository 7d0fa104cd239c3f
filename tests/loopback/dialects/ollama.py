"""Ollama's `/api/chat` and `/api/tags`."""

from __future__ import annotations

import json

from tests.loopback.chat import MODEL
from tests.loopback.dialects.dialect import Body, Dialect, without_nothing
from tests.loopback.faults import Status

_CREATED = "2026-01-01T00:00:00Z"

OLLAMA_MODELS: Body = {
    "models": [
        {
            "name": MODEL,
            "model": MODEL,
            "modified_at": _CREATED,
            "size": 1,
            "digest": "0",
            "details": {"format": "gguf", "family": "loopback"},
        }
    ]
}


def _read(body: Body) -> Body:
    if body.get("stream", True):
        raise ValueError("the loopback provider does not stream: send stream=false")
    options = body.get("options") or {}
    schema = body.get("format")
    return without_nothing(
        {
            "model": body["model"],
            "messages": [_read_turn(message) for message in body["messages"]],
            "max_tokens": options.get("num_predict"),
            "temperature": options.get("temperature"),
            "top_p": options.get("top_p"),
            "stop": options.get("stop"),
            "seed": options.get("seed"),
            "logprobs": body.get("logprobs"),
            "top_logprobs": body.get("top_logprobs"),
            "tools": body.get("tools"),
            "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}
            if isinstance(schema, dict)
            else schema and {"type": "json_object"},
        }
    )


def _read_turn(message: Body) -> Body:
    turn: Body = {"role": message["role"], "content": message.get("content") or ""}
    if message.get("images"):
        text = {"type": "text", "text": turn["content"]}
        urls = [f"data:image/png;base64,{image}" for image in message["images"]]
        turn["content"] = [text, *({"type": "image_url", "image_url": {"url": u}} for u in urls)]
    if message.get("tool_calls"):
        turn["tool_calls"] = [
            {
                "id": call["function"]["name"],
                "type": "function",
                "function": {
                    "name": call["function"]["name"],
                    "arguments": json.dumps(call["function"]["arguments"]),
                },
            }
            for call in message["tool_calls"]
        ]
    if message.get("tool_name"):
        turn["tool_call_id"] = message["tool_name"]
    return turn


def _write(answer: Body) -> Body:
    [choice] = answer["choices"]
    said, usage = choice["message"], answer["usage"]
    message: Body = {"role": "assistant", "content": said.get("content") or ""}
    if said.get("reasoning_content"):
        message["thinking"] = said["reasoning_content"]
    if said.get("tool_calls"):
        functions = [call["function"] for call in said["tool_calls"]]
        message["tool_calls"] = [
            {"function": {"name": f["name"], "arguments": json.loads(f["arguments"])}}
            for f in functions
        ]
    written: Body = {
        "model": answer["model"],
        "created_at": _CREATED,
        "message": message,
        "done": True,
        "done_reason": "length" if choice["finish_reason"] == "length" else "stop",
        "total_duration": 1,
        "load_duration": 0,
        "prompt_eval_count": usage["prompt_tokens"],
        "prompt_eval_duration": 1,
        "eval_count": usage["completion_tokens"],
        "eval_duration": 1,
    }
    if choice.get("logprobs"):
        written["logprobs"] = choice["logprobs"]["content"]
    return written


def _error(status: Status) -> Body:
    return {"error": status.message}


OLLAMA = Dialect(_read, _write, _error)
