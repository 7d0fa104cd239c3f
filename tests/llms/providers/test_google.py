"""Gemini's API and Vertex AI: what they are sent, and how their replies are read."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from llms import ChatRequest, Completion, Tool, ToolCall, Usage
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ConnectionFailed,
    ContentFiltered,
    LLMError,
    MalformedReply,
    ModelNotFound,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    TransientError,
)
from llms.providers.gemini import GeminiLLM
from llms.providers.google import GoogleLLM
from llms.providers.vertex import VertexAILLM
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import Answers, Behaviour, RecordedAPI, ask
from tests.loopback import Hang, Reset

_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_USER: dict[str, Any] = {"role": "user", "content": "hi"}
_WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {}})
_CLASSES: list[type[GoogleLLM]] = [GeminiLLM, VertexAILLM]


@pytest.fixture(params=_CLASSES, ids=lambda cls: cls.provider)
def llm(request: pytest.FixtureRequest, api: RecordedAPI) -> GoogleLLM:
    cls: type[GoogleLLM] = request.param
    return cls.model_validate({"model": "m", "api_key": KEY, "base_url": api.root})


def _reply(*parts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts) or [{"text": "hello"}]}
    candidate = {"content": content, "finishReason": changes.pop("reason", "STOP"), "index": 0}
    return {
        "candidates": [{**candidate, **changes.pop("candidate", {})}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 3},
        "modelVersion": "m-2026",
        "responseId": "g-1",
        **changes,
    }


def _asked(*messages: dict[str, Any], **parts: Any) -> ChatRequest:
    return ChatRequest(messages, **parts)  # type: ignore[arg-type]  # plain dicts


def _in_camel_case(value: Any) -> Any:
    """The API takes both spellings of a name, and the SDK sends now one and now the other."""
    if isinstance(value, list):
        return [_in_camel_case(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = {}
    for name, item in value.items():
        first, *words = name.split("_")
        spelled[first + "".join(word.capitalize() for word in words)] = _in_camel_case(item)
    return spelled


def test_a_plain_request_goes_to_its_path_with_the_key(llm: GoogleLLM, api: RecordedAPI) -> None:
    api.behaviour = Answers(_reply())
    assert ask(llm).completion == Completion("hello", Usage(10, 3), "stop", "m-2026", "g-1")
    (sent,) = api.sent
    of_vertex = isinstance(llm, VertexAILLM)
    model = "publishers/google/models/m" if of_vertex else "models/m"
    assert sent.path.endswith(f"/{model}:generateContent")
    assert sent.headers["x-goog-api-key"] == KEY
    assert sent.body["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}]
    assert sent.body.keys() <= {"contents", "generationConfig"}
    assert not sent.body.get("generationConfig")


def test_a_conversation_with_everything_in_it_is_turned_into_parts(
    llm: GoogleLLM, api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply())
    request = _asked(
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Where?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://images.example/a.png"}},
            ],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [ToolCall("c1", "weather", '{"city": "Bern"}').as_message()],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        tools=(_WEATHER,),
        tool_choice="weather",
    )
    ask(llm, request)
    body = _in_camel_case(api.sent[0].body)
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["contents"] == [
        {
            "role": "user",
            "parts": [
                {"text": "Where?"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"fileData": {"fileUri": "https://images.example/a.png"}},
            ],
        },
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "weather", "args": {"city": "Bern"}}}],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "weather", "response": {"result": "rain"}}}],
        },
    ]
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "Tells the weather.",
                    "parametersJsonSchema": {"type": "object", "properties": {}},
                }
            ]
        }
    ]
    assert body["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}
    }


def test_parameters_and_a_schema_go_under_the_names_of_the_api(
    llm: GoogleLLM, api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply())
    sampling = llm.sampling(
        max_new_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        stop=(".",),
        seed=7,
        frequency_penalty=0.25,
        top_logprobs=2,
        thinking_config={"thinking_budget": 0},
        safety_settings=({"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"},),
    )
    ask(sampling, _asked(_USER, response_schema=_SCHEMA), seed=99)
    body = _in_camel_case(api.sent[0].body)
    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 4,
        "stopSequences": ["."],
        "seed": 99,
        "frequencyPenalty": 0.25,
        "responseLogprobs": True,
        "logprobs": 2,
        "thinkingConfig": {"thinkingBudget": 0},
        "responseMimeType": "application/json",
        "responseJsonSchema": _SCHEMA,
    }
    assert body["safetySettings"] == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}
    ]


def test_thoughts_tool_calls_logprobs_and_the_usage_are_read(
    llm: GoogleLLM, api: RecordedAPI
) -> None:
    likeliest = [
        {"token": "a", "tokenId": 1, "logProbability": -0.1},
        {"token": "b", "tokenId": 2, "logProbability": -2.0},
    ]
    api.behaviour = Answers(
        _reply(
            {"text": "let me see", "thought": True},
            {"text": "a"},
            {"functionCall": {"name": "weather", "args": {"city": "Bern"}}},
            candidate={
                "logprobsResult": {
                    "chosenCandidates": likeliest[:1],
                    "topCandidates": [{"candidates": likeliest}],
                }
            },
            usageMetadata={
                "promptTokenCount": 10,
                "cachedContentTokenCount": 6,
                "candidatesTokenCount": 3,
                "thoughtsTokenCount": 20,
            },
        )
    )
    assert ask(llm).completion == Completion(
        text="a",
        usage=Usage(10, 23, 6, 20),
        finish_reason="tool_calls",
        model="m-2026",
        request_id="g-1",
        reasoning="let me see",
        tool_calls=(ToolCall("call_0", "weather", '{"city": "Bern"}'),),
        logprobs=[[{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -2.0}]],
    )


@pytest.mark.parametrize(
    ("stated", "reason"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter")],
)
def test_finish_reasons_are_translated(
    stated: str, reason: str, llm: GoogleLLM, api: RecordedAPI
) -> None:
    api.behaviour = Answers(_reply(reason=stated))
    assert ask(llm).completion.finish_reason == reason


def _error(code: int, status: str, **more: Any) -> Answers:
    said = {"code": code, "message": "told to fail", "status": status, **more}
    return Answers({"error": said}, code)


_WRONG_KEY = {"details": [{"@type": "ErrorInfo", "reason": "API_KEY_INVALID"}]}


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (_error(400, "INVALID_ARGUMENT"), BadRequest),
        (_error(400, "INVALID_ARGUMENT", **_WRONG_KEY), AuthenticationFailed),
        (_error(403, "PERMISSION_DENIED"), AuthenticationFailed),
        (_error(404, "NOT_FOUND"), ModelNotFound),
        (_error(429, "RESOURCE_EXHAUSTED"), RateLimited),
        (_error(500, "INTERNAL"), ServerFailed),
        (_error(503, "UNAVAILABLE"), ServerFailed),
        (
            Answers({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {}}),
            ContentFiltered,
        ),
        (Answers(_reply(reason="SAFETY", candidate={"content": None})), ContentFiltered),
        (
            Answers(_reply(reason="MALFORMED_FUNCTION_CALL", candidate={"content": None})),
            MalformedReply,
        ),
        (Answers({"responseId": "x"}), MalformedReply),
        (Answers(b"<html>"), MalformedReply),
        (Answers(_reply(), share=0.5), TransientError),
        (Reset(), ConnectionFailed),
        (Hang(), RequestTimedOut),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_every_failure_is_an_error_of_one_type(
    behaviour: Behaviour, error: type[LLMError], llm: GoogleLLM, api: RecordedAPI
) -> None:
    api.behaviour = behaviour
    timeout = 0.4 if isinstance(behaviour, Hang) else 20
    with pytest.raises(error) as caught:
        ask(llm.model_copy(update={"timeout": timeout}))
    assert len(str(caught.value).splitlines()) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(api.sent) == 1


@pytest.mark.parametrize(
    ("location", "url"),
    [
        (None, "https://aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("europe-west6", "https://europe-west6-aiplatform.googleapis.com"),
    ],
)
def test_a_location_of_vertex_has_an_address_of_its_own(location: str | None, url: str) -> None:
    assert VertexAILLM(model="m", location=location).url == url
