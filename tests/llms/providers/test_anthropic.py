"""Anthropic's messages API: what it is sent, and how its replies are read."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from pydantic import SecretStr

from llms import ChatRequest, Completion, Tool, ToolCall, Usage
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    ContentFiltered,
    LLMError,
    MalformedReply,
    MissingKeyError,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    TransientError,
)
from llms.providers.anthropic import AnthropicLLM
from llms.quota import Allowance
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import Answers, Behaviour, RecordedAPI, ask
from tests.loopback import Hang, Reset

_WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})


def _llm(api: RecordedAPI, **parameters: Any) -> AnthropicLLM:
    return AnthropicLLM(**{"model": "m", "api_key": KEY, "base_url": api.root, **parameters})


def _reply(*blocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-2026",
        "content": list(blocks) or [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 3},
        **changes,
    }


def _asked(*messages: dict[str, Any], **parts: Any) -> ChatRequest:
    return ChatRequest(messages, **parts)  # type: ignore[arg-type]  # plain dicts


def test_a_plain_request_is_as_small_as_the_api_allows(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    assert ask(_llm(api)).completion == Completion("hello", Usage(10, 3), "stop", "m-2026", "msg_1")
    (sent,) = api.sent
    assert sent.path == "/v1/messages"
    assert KEY in (sent.headers.get("x-api-key"), sent.headers["authorization"].split()[-1])
    assert "anthropic-version" in sent.headers
    assert sent.body == {
        "model": "m",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
    }


def test_a_conversation_with_everything_in_it_is_turned_into_blocks(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    request = _asked(
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/"}},
                {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [ToolCall("c1", "weather", '{"city": "Bern"}').as_message()],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        {"role": "user", "content": "And now?"},
        tools=(_WEATHER,),
        tool_choice="required",
    )
    ask(_llm(api), request)
    assert api.sent[0].body == {
        "model": "m",
        "max_tokens": 4096,
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Where is this?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/jpeg", "data": "/9j/"},
                    },
                    {
                        "type": "image",
                        "source": {"type": "url", "url": "https://images.example/a.png"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bern"}}
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "content": [{"type": "text", "text": "rain"}],
                    },
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [
            {
                "name": "weather",
                "description": "Tells the weather.",
                "input_schema": {"type": "object", "properties": {}},
            }
        ],
        "tool_choice": {"type": "any"},
    }


def test_parameters_and_a_schema_go_under_the_names_of_the_api(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    schema = {
        "type": "object",
        "properties": {"stars": {"type": "integer", "minimum": 1}},
        "required": ["stars"],
    }
    llm = _llm(
        api,
        generation_kwargs={
            "max_new_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 4,
            "stop": (".",),
            "seed": 7,
            "thinking": {"type": "enabled", "budget_tokens": 1024},
            "extra_body": {"service_tier": "auto"},
        },
    )
    ask(llm, _asked({"role": "user", "content": "hi"}, response_schema=schema))
    body = api.sent[0].body
    del body["messages"], body["model"]
    stars = body["output_config"]["format"]["schema"]["properties"].pop("stars")
    assert (stars["type"], "minimum" in stars) == ("integer", False)
    assert body == {
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 4,
        "stop_sequences": ["."],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "service_tier": "auto",
        "output_config": {
            "format": {
                "type": "json_schema",
                "schema": {
                    "type": "object",
                    "properties": {},
                    "required": ["stars"],
                    "additionalProperties": False,
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("weather", {"type": "tool", "name": "weather"}),
    ],
)
def test_a_tool_choice_takes_the_api_s_form(
    choice: str, sent: dict[str, str], api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply())
    message = {"role": "user", "content": "hi"}
    ask(_llm(api), _asked(message, tools=(_WEATHER,), tool_choice=choice))
    assert api.sent[0].body["tool_choice"] == sent


def test_thinking_tool_calls_and_cached_tokens_are_read(api: RecordedAPI) -> None:
    api.behaviour = Answers(
        _reply(
            {"type": "thinking", "thinking": "let me see", "signature": "x"},
            {"type": "text", "text": "I will look."},
            {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Bern"}},
            stop_reason="tool_use",
            usage={
                "input_tokens": 10,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 5,
                "output_tokens": 30,
                "output_tokens_details": {"thinking_tokens": 20},
            },
        )
    )
    assert ask(_llm(api)).completion == Completion(
        text="I will look.",
        usage=Usage(115, 30, 100, 20),
        finish_reason="tool_calls",
        model="m-2026",
        request_id="msg_1",
        reasoning="let me see",
        tool_calls=(ToolCall("c1", "weather", '{"city": "Bern"}'),),
    )


@pytest.mark.parametrize(
    ("stated", "reason"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length")],
)
def test_finish_reasons_are_translated(stated: str, reason: str, api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply(stop_reason=stated))
    assert ask(_llm(api)).completion.finish_reason == reason


def test_the_headers_say_what_is_left(api: RecordedAPI) -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2020-01-01T00:00:00Z",
        "anthropic-ratelimit-tokens-limit": "40000",
        "anthropic-ratelimit-tokens-remaining": "39000",
    }
    api.behaviour = Answers(_reply(), headers=headers)
    quota = ask(_llm(api)).quota
    assert quota is not None
    assert quota.requests == Allowance(50, 49, 0.0)
    assert quota.tokens == Allowance(40000, 39000, None)


def _error(type: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": type, "message": "told to fail"}}


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Answers(_error("invalid_request_error"), 400), BadRequest),
        (Answers(_error("authentication_error"), 401), AuthenticationFailed),
        (Answers(_error("billing_error"), 402), AuthenticationFailed),
        (Answers(_error("not_found_error"), 404), ModelNotFound),
        (Answers(_error("rate_limit_error"), 429, {"retry-after": "3"}), RateLimited),
        (Answers(_error("api_error"), 500), ServerFailed),
        (Answers(_error("overloaded_error"), 529), ServerFailed),
        (Answers(_reply(content=[], stop_reason="refusal")), ContentFiltered),
        (Answers({"id": "x"}), MalformedReply),
        (Answers(b"<html>"), MalformedReply),
        (Answers(_reply(), share=0.5), TransientError),
        (Reset(), ConnectionFailed),
        (Hang(), RequestTimedOut),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_failure_is_an_error_of_one_type(
    behaviour: Behaviour, error: type[LLMError], api: RecordedAPI
) -> None:
    api.behaviour = behaviour
    with pytest.raises(error) as caught:
        ask(_llm(api, timeout=0.4 if isinstance(behaviour, Hang) else 20))
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(api.sent) == 1


def test_the_key_is_named_when_it_is_missing() -> None:
    with pytest.raises(MissingKeyError, match="ANTHROPIC_API_KEY"):
        AnthropicLLM(model="m").check()


def test_a_refused_connection_is_not_called_a_time_out() -> None:
    with pytest.raises(ConnectionFailed, match="Cannot connect to host"):
        ask(AnthropicLLM(model="m", base_url="http://127.0.0.1:1", api_key=SecretStr(KEY)))
