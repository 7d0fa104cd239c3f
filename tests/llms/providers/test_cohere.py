"""Cohere's chat API: what it is sent, and how its replies are read."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from llms import ChatRequest, Completion, Tool, ToolCall, Usage
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    LLMError,
    MalformedReply,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    TransientError,
)
from llms.providers.cohere import CohereLLM
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import Answers, Behaviour, RecordedAPI, ask
from tests.loopback import Hang, Reset

_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_USER: dict[str, Any] = {"role": "user", "content": "hi"}
_WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})
_CLOCK = Tool("clock", "Tells the time.", {"type": "object", "properties": {}})


def _llm(api: RecordedAPI, **parameters: Any) -> CohereLLM:
    return CohereLLM(**{"model": "m", "api_key": KEY, "base_url": api.root, **parameters})


def _reply(message: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    content = [{"type": "text", "text": "hello"}]
    return {
        "id": "c-1",
        "finish_reason": "COMPLETE",
        "message": {"role": "assistant", "content": content, **(message or {})},
        "usage": {"tokens": {"input_tokens": 10, "output_tokens": 3}, "cached_tokens": 4},
        **changes,
    }


def _asked(*messages: dict[str, Any], **parts: Any) -> ChatRequest:
    return ChatRequest(messages, **parts)  # type: ignore[arg-type]  # plain dicts


def test_a_plain_request_is_sent_once_with_the_key(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    assert ask(_llm(api)).completion == Completion("hello", Usage(10, 3, 4), "stop", "m", "c-1")
    (sent,) = api.sent
    assert sent.path == "/v2/chat"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.body == {"model": "m", "messages": [_USER], "stream": False}


def test_parameters_and_a_schema_go_under_the_names_of_the_api(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    llm = _llm(
        api,
        client_name="tests",
        generation_kwargs={
            "max_new_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 4,
            "stop": (".",),
            "seed": 7,
            "frequency_penalty": 0.25,
            "logprobs": True,
            "thinking": {"type": "disabled"},
        },
    )
    ask(llm, _asked(_USER, response_schema=_SCHEMA), seed=99)
    assert api.sent[0].headers["x-client-name"] == "tests"
    assert api.sent[0].body == {
        "model": "m",
        "messages": [_USER],
        "max_tokens": 9,
        "temperature": 0.5,
        "p": 0.9,
        "k": 4,
        "stop_sequences": ["."],
        "seed": 99,
        "frequency_penalty": 0.25,
        "logprobs": True,
        "thinking": {"type": "disabled"},
        "response_format": {"type": "json_object", "json_schema": _SCHEMA},
        "stream": False,
    }


def test_images_and_tool_turns_are_sent_as_they_are(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "Where?"}, picture]},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [ToolCall("c1", "weather", "{}").as_message()],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    ask(_llm(api), _asked(*messages))
    assert api.sent[0].body["messages"] == messages


@pytest.mark.parametrize(
    ("choice", "names", "sent"),
    [
        ("auto", ["weather", "clock"], None),
        ("none", ["weather", "clock"], "NONE"),
        ("required", ["weather", "clock"], "REQUIRED"),
        ("clock", ["clock"], "REQUIRED"),
    ],
)
def test_a_tool_choice_takes_the_api_s_form(
    choice: str, names: list[str], sent: str | None, api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply())
    ask(_llm(api), _asked(_USER, tools=(_WEATHER, _CLOCK), tool_choice=choice))
    body = api.sent[0].body
    assert [tool["function"]["name"] for tool in body["tools"]] == names
    assert body.get("tool_choice") == sent


def test_thinking_tool_calls_and_logprobs_are_read(api: RecordedAPI) -> None:
    function = {"name": "weather", "arguments": '{"city": "Bern"}'}
    message = {
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "look"}],
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    logprobs = [{"text": "look", "token_ids": [7], "logprobs": [-0.5]}]
    api.behaviour = Answers(_reply(message, finish_reason="TOOL_CALL", logprobs=logprobs))
    completion = ask(_llm(api)).completion
    assert (completion.text, completion.reasoning) == ("look", "hm")
    assert completion.tool_calls == (ToolCall("c1", "weather", '{"city": "Bern"}'),)
    assert completion.finish_reason == "tool_calls"
    assert completion.logprobs == [[{"token": "look", "logprob": -0.5}]]


def test_an_answer_cut_at_the_limit_says_so(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply(finish_reason="MAX_TOKENS"))
    assert ask(_llm(api)).completion.finish_reason == "length"


_SAID = {"message": "told to fail"}


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Answers(_SAID, 400), BadRequest),
        (Answers(_SAID, 401), AuthenticationFailed),
        (Answers(_SAID, 404), ModelNotFound),
        (Answers(_SAID, 429, {"retry-after": "3"}), RateLimited),
        (Answers(_SAID, 500), ServerFailed),
        (Answers(_SAID, 503), ServerFailed),
        (Answers(_reply(finish_reason="ERROR")), ServerFailed),
        (Answers({"id": "x"}), MalformedReply),
        (Answers([1]), MalformedReply),
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
    assert len(str(caught.value).splitlines()) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(api.sent) == 1
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 3.0
