"""Ollama's own API: what it is sent, and how its replies are read."""

from __future__ import annotations

from typing import Any

import pytest

from llms import ChatRequest, Completion, Tool, ToolCall, Usage
from llms.errors import (
    BadRequest,
    ConnectionFailed,
    LLMError,
    MalformedReply,
    ModelNotFound,
    RequestTimedOut,
    ServerFailed,
    TransientError,
)
from llms.providers.ollama import OllamaLLM
from tests.llms.providers.recorded import Answers, Behaviour, RecordedAPI, ask
from tests.loopback import Hang, Reset

_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
_WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})


def _llm(api: RecordedAPI, **parameters: Any) -> OllamaLLM:
    return OllamaLLM(**{"model": "m", "host": api.root, **parameters})


def _reply(message: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "created_at": "2026-01-01T00:00:00Z",
        "message": {"role": "assistant", "content": "hello", **(message or {})},
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 10,
        "eval_count": 3,
        **changes,
    }


def _asked(*messages: dict[str, Any], **parts: Any) -> ChatRequest:
    return ChatRequest(messages, **parts)  # type: ignore[arg-type]  # plain dicts


def test_a_plain_request_is_sent_whole_and_not_as_a_stream(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    assert ask(_llm(api)).completion == Completion("hello", Usage(10, 3), "stop", "m")
    (sent,) = api.sent
    assert sent.path == "/api/chat"
    assert "authorization" not in sent.headers
    assert {name: value for name, value in sent.body.items() if value} == {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
    }
    assert sent.body["stream"] is False


def test_parameters_become_options_and_a_schema_the_format(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    llm = _llm(
        api,
        api_key="cloud-key",
        generation_kwargs={
            "max_new_tokens": 9,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop": (".",),
            "seed": 7,
            "options": {"num_ctx": 4096},
            "think": False,
            "keep_alive": "5m",
        },
    )
    ask(llm, _asked({"role": "user", "content": "hi"}, response_schema=_SCHEMA), seed=99)
    body = api.sent[0].body
    assert api.sent[0].headers["authorization"] == "Bearer cloud-key"
    assert body["format"] == _SCHEMA
    assert (body["think"], body["keep_alive"]) == (False, "5m")
    assert body["options"] == {
        "num_predict": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["."],
        "seed": 99,
        "num_ctx": 4096,
    }


def test_images_and_tool_turns_take_the_api_s_form(api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    request = _asked(
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [ToolCall("c1", "weather", '{"city": "Bern"}').as_message()],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        tools=(_WEATHER,),
    )
    ask(_llm(api), request)
    body = api.sent[0].body
    assert body["messages"] == [
        {"role": "user", "content": "Where?", "images": ["iVBORw0KGgo="]},
        {
            "role": "assistant",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Bern"}}}],
        },
        {"role": "tool", "content": "rain", "tool_name": "weather"},
    ]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather"]


def test_an_image_at_an_address_is_refused_and_says_what_to_do() -> None:
    part = {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}}
    with pytest.raises(BadRequest, match=r"image_part\(\)"):
        ask(OllamaLLM(model="m"), _asked({"role": "user", "content": [part]}))


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"thinking": "hm"}, "hello", "hm"),
        ({"content": "<think>hm</think>hello"}, "hello", "hm"),
    ],
    ids=["apart", "inline"],
)
def test_thinking_is_kept_apart(
    message: dict[str, Any], text: str, reasoning: str, api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply(message))
    completion = ask(_llm(api)).completion
    assert (completion.text, completion.reasoning) == (text, reasoning)


def test_tool_calls_logprobs_and_a_cut_are_read(api: RecordedAPI) -> None:
    call = {"function": {"name": "weather", "arguments": {"city": "Bern"}}}
    likeliest = [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.0}]
    position = {"token": "a", "logprob": -0.1, "top_logprobs": likeliest}
    api.behaviour = Answers(_reply({"content": "", "tool_calls": [call]}, logprobs=[position]))
    completion = ask(_llm(api)).completion
    assert completion.tool_calls == (ToolCall("call_0", "weather", '{"city": "Bern"}'),)
    assert completion.finish_reason == "tool_calls"
    assert completion.logprobs == [likeliest]
    api.behaviour = Answers(_reply(done_reason="length"))
    assert ask(_llm(api)).completion.finish_reason == "length"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (Answers({"error": "told to fail"}, 400), BadRequest),
        (Answers({"error": "model 'm' not found"}, 404), ModelNotFound),
        (Answers({"error": "told to fail"}, 500), ServerFailed),
        (Answers({"model": "m"}), MalformedReply),
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
    assert len(api.sent) == 1


def test_a_server_that_is_not_there_is_a_failed_connection() -> None:
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:1"):
        ask(OllamaLLM(model="m", host="127.0.0.1:1"))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        (None, "http://127.0.0.1:11434"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box:80", "http://gpu-box:80"),
        ("https://ollama.com", "https://ollama.com"),
    ],
)
def test_a_host_may_be_given_in_part(host: str | None, url: str) -> None:
    assert OllamaLLM(model="m", host=host).url == url
