"""Asks the same of a provider through each service's own client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import anthropic
import cohere
import google.genai
import httpx
import ollama
import openai

from tests.loopback import LoopbackProvider

KEY = "planted-key"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client made of an answer; `tokens` are those of prompt and answer."""

    text: str
    reasoning: str
    tool: tuple[str, dict[str, Any]]
    finish: str
    tokens: tuple[int, int]


async def ask_anthropic(provider: LoopbackProvider) -> Heard:
    async with anthropic.AsyncAnthropic(
        base_url=provider.root, api_key=KEY, max_retries=0
    ) as client:
        call = {"type": "tool_use", "id": "t", "name": "weather", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "t", "content": "rain"}
        messages: list[Any] = [
            {"role": "user", "content": [{"type": "text", "text": "how is"}]},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result, {"type": "text", "text": "it there"}]},
        ]
        tool: Any = {"name": "weather", "description": "looks", "input_schema": SCHEMA}
        answer = await client.messages.create(
            model="m",
            max_tokens=50,
            system="be brief",
            messages=messages,
            tools=[tool],
            tool_choice={"type": "any"},
            output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        )
    texts = [block.text for block in answer.content if block.type == "text"]
    thoughts = [block.thinking for block in answer.content if block.type == "thinking"]
    tools = [block for block in answer.content if block.type == "tool_use"]
    usage = answer.usage
    return Heard(
        "".join(texts),
        "".join(thoughts),
        (tools[0].name, dict(tools[0].input)),
        str(answer.stop_reason),
        (usage.input_tokens + (usage.cache_read_input_tokens or 0), usage.output_tokens),
    )


async def ask_cohere(provider: LoopbackProvider) -> Heard:
    async with cohere.AsyncClientV2(KEY, base_url=provider.root) as client:
        answer = await client.chat(
            model="m",
            messages=_openai_messages(),
            max_tokens=50,
            tools=[_openai_tool()],
            tool_choice="REQUIRED",
            response_format={"type": "json_object", "schema": SCHEMA},
            request_options={"max_retries": 0},
        )
    content = answer.message.content or []
    [call] = answer.message.tool_calls or []
    assert call.function is not None
    assert answer.usage is not None
    assert answer.usage.tokens is not None
    tokens = answer.usage.tokens
    return Heard(
        "".join(part.text for part in content if part.type == "text"),
        "".join(part.thinking for part in content if part.type == "thinking"),
        (str(call.function.name), json.loads(call.function.arguments or "")),
        answer.finish_reason,
        (int(tokens.input_tokens or 0), int(tokens.output_tokens or 0)),
    )


async def ask_gemini(provider: LoopbackProvider) -> Heard:
    types = google.genai.types
    function = types.FunctionDeclaration(
        name="weather", description="looks", parameters_json_schema=SCHEMA
    )
    calling = types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY)
    connections = httpx.AsyncClient()
    options = types.HttpOptions(base_url=provider.root, httpx_async_client=connections)
    client = google.genai.Client(api_key=KEY, http_options=options)
    contents: list[Any] = [
        types.Content(role="user", parts=[types.Part(text="how is")]),
        types.Content(role="model", parts=[types.Part.from_function_call(name="weather", args={})]),
        types.Content(
            role="user",
            parts=[
                types.Part.from_function_response(name="weather", response={"result": "rain"}),
                types.Part(text="it there"),
            ],
        ),
    ]
    try:
        answer = await client.aio.models.generate_content(
            model="m",
            contents=contents,
            config=types.GenerateContentConfig(
                system_instruction="be brief",
                max_output_tokens=50,
                tools=[types.Tool(function_declarations=[function])],
                tool_config=types.ToolConfig(function_calling_config=calling),
                response_json_schema=SCHEMA,
                response_mime_type="application/json",
            ),
        )
    finally:
        await client.aio.aclose()
        await connections.aclose()
        client.close()
    [candidate] = answer.candidates or []
    assert candidate.content is not None
    parts = candidate.content.parts or []
    [call] = [part.function_call for part in parts if part.function_call]
    usage = answer.usage_metadata
    assert usage is not None
    said = (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
    return Heard(
        "".join(part.text or "" for part in parts if not part.thought),
        "".join(part.text or "" for part in parts if part.thought),
        (str(call.name), dict(call.args or {})),
        str(candidate.finish_reason and candidate.finish_reason.value),
        (usage.prompt_token_count or 0, said),
    )


async def ask_ollama(provider: LoopbackProvider) -> Heard:
    client = ollama.AsyncClient(host=provider.root, headers={"Authorization": KEY})
    call = {"function": {"name": "weather", "arguments": {}}}
    messages: list[Any] = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "how is"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "rain", "tool_name": "weather"},
        {"role": "user", "content": "it there"},
    ]
    try:
        answer = await client.chat(
            model="m",
            messages=messages,
            tools=[_openai_tool()],
            format=SCHEMA,
            options={"num_predict": 50},
        )
    finally:
        await client._client.aclose()
    [heard] = answer.message.tool_calls or []
    return Heard(
        answer.message.content or "",
        answer.message.thinking or "",
        (heard.function.name, dict(heard.function.arguments)),
        str(answer.done_reason),
        (answer.prompt_eval_count or 0, answer.eval_count or 0),
    )


async def ask_azure(provider: LoopbackProvider) -> Heard:
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=provider.root, api_key=KEY, api_version="2026-01-01", max_retries=0
    ) as client:
        answer = await client.chat.completions.create(
            **{
                "model": "m",
                "messages": _openai_messages(),
                "max_tokens": 50,
                "tools": [_openai_tool()],
                "tool_choice": "required",
                "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
            }
        )
    [choice] = answer.choices
    [call] = choice.message.tool_calls
    return Heard(
        choice.message.content,
        choice.message.reasoning_content,
        (call.function.name, json.loads(call.function.arguments)),
        choice.finish_reason,
        (answer.usage.prompt_tokens, answer.usage.completion_tokens),
    )


def _openai_messages() -> Any:
    call = {"id": "t", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    return [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "how is"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": "rain"},
        {"role": "user", "content": "it there"},
    ]


def _openai_tool() -> Any:
    function = {"name": "weather", "description": "looks", "parameters": SCHEMA}
    return {"type": "function", "function": function}
