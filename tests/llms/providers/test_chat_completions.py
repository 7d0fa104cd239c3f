"""What the providers of the chat completions API are sent."""

from __future__ import annotations

from typing import Any

import pytest

from llms import AnyscaleLLM, AzureOpenAILLM, ChatRequest, Completion, Tool, ToolCall, Usage
from llms.errors import ConfigurationError
from llms.providers.chat_completions import ChatCompletionsLLM
from tests.llms.conftest import KEY
from tests.llms.providers.compatible import COMPATIBLE, Provider, chat_reply
from tests.llms.providers.recorded import Answers, RecordedAPI, ask

_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
_WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})
_USER = {"role": "user", "content": "hi"}


def test_a_plain_request_goes_to_its_path_with_the_key_and_nothing_else(
    compatible: Provider, api: RecordedAPI
) -> None:
    api.behaviour = Answers(chat_reply())
    assert ask(compatible.llm(api)).completion == Completion(
        "hello", Usage(12, 3), "stop", "m-2026", "r-1"
    )
    (sent,) = api.sent
    assert (sent.path, sent.query) == (compatible.path, compatible.query)
    name, value = compatible.key
    assert sent.headers[name] == value
    assert sent.body == {"model": "m", "messages": [_USER]}


def test_every_parameter_goes_under_the_name_of_the_api(
    compatible: Provider, api: RecordedAPI
) -> None:
    api.behaviour = Answers(chat_reply())
    parameters = {
        "max_new_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": (".", "!"),
        "seed": 7,
        "frequency_penalty": 0.25,
        "presence_penalty": -0.5,
        "top_logprobs": 2,
        "extra_body": {"only": {"here": 1}},
    }
    ask(compatible.llm(api, generation_kwargs=parameters), seed=99)
    assert api.sent[0].body == {
        "model": "m",
        "messages": [_USER],
        compatible.limit: 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": [".", "!"],
        compatible.seed: 99,
        "frequency_penalty": 0.25,
        "presence_penalty": -0.5,
        "logprobs": True,
        "top_logprobs": 2,
        "only": {"here": 1},
    }


def test_a_schema_and_tools_are_sent_in_the_api_s_own_form(
    compatible: Provider, api: RecordedAPI
) -> None:
    api.behaviour = Answers(chat_reply())
    request = ChatRequest([_USER], _SCHEMA, (_WEATHER,), "weather")  # type: ignore[list-item]  # a dict
    ask(compatible.llm(api), request)
    assert api.sent[0].body == {
        "model": "m",
        "messages": [_USER],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": _SCHEMA, "strict": True},
        },
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    }


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_a_tool_choice_that_names_no_tool_is_sent_as_it_is(choice: str, api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply())
    request = ChatRequest([_USER], None, (_WEATHER,), choice)  # type: ignore[list-item]  # a dict
    ask(COMPATIBLE[0].llm(api), request)
    assert api.sent[0].body["tool_choice"] == choice


def test_a_schema_that_strict_mode_does_not_take_is_not_sent_as_strict(api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply())
    loose = {"type": "object", "properties": {"name": {"type": "string"}}}
    ask(COMPATIBLE[0].llm(api), ChatRequest([_USER], loose))  # type: ignore[list-item]  # a dict
    assert api.sent[0].body["response_format"]["json_schema"] == {
        "name": "reply",
        "schema": loose,
        "strict": False,
    }


def test_images_and_tool_turns_are_sent_as_they_are(compatible: Provider, api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply())
    call = ToolCall("c1", "weather", "{}").as_message()
    messages: list[Any] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ],
        },
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    ask(compatible.llm(api), ChatRequest(messages))
    assert api.sent[0].body["messages"] == messages


def test_each_model_sends_its_own_headers(compatible: Provider, api: RecordedAPI) -> None:
    api.behaviour = Answers(chat_reply())
    ask(compatible.llm(api, default_headers={"x-team": "a"}))
    assert api.sent[0].headers["x-team"] == "a"


def test_a_server_on_this_machine_needs_no_key(compatible: Provider) -> None:
    address = {compatible.address: f"http://localhost:1{compatible.base}"}
    llm = compatible.cls.model_validate({"model": "m", **address})
    llm.check()
    assert llm.key() == "none"


@pytest.mark.parametrize(
    ("name", "key_needed"),
    [("azure", True), ("anyscale", True), ("vllm", False), ("llama-cpp-server", False)],
)
def test_a_server_elsewhere_needs_a_key_unless_such_servers_often_do_not(
    name: str, key_needed: bool
) -> None:
    cls = next(each.cls for each in COMPATIBLE if each.cls.provider == name)
    llm = cls.model_validate({"model": "m", "base_url": "https://models.example/v1"})
    if key_needed:
        with pytest.raises(ConfigurationError, match=cls.key_variables[0]):
            llm.check()
    else:
        llm.check()


@pytest.mark.parametrize(
    ("cls", "variable"),
    [(AzureOpenAILLM, "AZURE_OPENAI_ENDPOINT"), (AnyscaleLLM, "ANYSCALE_BASE_URL")],
)
def test_an_address_that_has_no_default_is_asked_for_by_name(
    cls: type[ChatCompletionsLLM], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=rf"pass base_url= or set .* {variable}\."):
        cls.model_validate({"model": "m", "api_key": KEY}).check()
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    cls(model="m").check()


def test_an_address_without_a_host_is_found_before_a_call(compatible: Provider) -> None:
    address = {compatible.address: "localhost:8000/v1"}
    llm = compatible.cls.model_validate({"model": "m", "api_key": KEY, **address})
    with pytest.raises(ConfigurationError, match=r"has no host; it begins with http://"):
        llm.check()
