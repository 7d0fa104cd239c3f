"""Every dialect as the service's own client speaks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import google.genai.errors
import httpx
import ollama
import openai
import pytest
from cohere.core.api_error import ApiError

from tests.loopback import (
    Fault,
    Limits,
    LoopbackProvider,
    Reset,
    Status,
    Truncated,
    loopback_provider,
)
from tests.loopback.speakers import (
    KEY,
    Heard,
    ask_anthropic,
    ask_azure,
    ask_cohere,
    ask_gemini,
    ask_ollama,
)

CALL = {"function": {"name": "weather", "arguments": '{"city": "Islay"}'}}
SAID = {"content": "so it is", "reasoning_content": "let me think", "tool_calls": [CALL]}


Ask = Callable[[LoopbackProvider], Awaitable[Heard]]
FINISHES: dict[Ask, str] = {
    ask_anthropic: "tool_use",
    ask_cohere: "TOOL_CALL",
    ask_gemini: "STOP",
    ask_ollama: "stop",
    ask_azure: "tool_calls",
}
NAMES = ["anthropic", "cohere", "gemini", "ollama", "azure"]
every_dialect = pytest.mark.parametrize("ask", list(FINISHES), ids=NAMES)


def run(ask: Ask, provider: LoopbackProvider) -> Heard:
    async def awaited() -> Heard:
        return await ask(provider)

    return asyncio.run(awaited())


@every_dialect
def test_a_request_arrives_whole_and_its_answer_returns_whole(ask: Ask) -> None:
    asked: list[dict[str, Any]] = []

    def reply(body: dict[str, Any]) -> dict[str, Any]:
        asked.append(body)
        return SAID

    with loopback_provider(reply=reply, usage_details=True) as provider:
        heard = run(ask, provider)
        stats = provider.stats()
    [body] = asked
    assert (body["model"], body["max_tokens"]) == ("m", 50)
    assert [turn["role"] for turn in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "user",
    ]
    texts = [body["messages"][place]["content"] for place in (0, 1, 4)]
    assert texts == ["be brief", "how is", "it there"]
    assert "rain" in body["messages"][3]["content"]
    assert body["messages"][3]["tool_call_id"] in ("t", "weather")
    assert body["messages"][2]["tool_calls"][0]["function"]["name"] == "weather"
    assert body["tools"][0]["function"]["parameters"]["required"] == ["city"]
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["city"]
    assert body.get("tool_choice", "required") == "required"
    assert (heard.text, heard.reasoning) == ("so it is", "let me think")
    assert heard.tool == ("weather", {"city": "Islay"})
    assert heard.finish == FINISHES[ask]
    assert heard.tokens == (sum(heard.tokens) - 8, 8)
    assert (stats.requests, stats.answered, stats.tokens) == (1, 1, sum(heard.tokens))
    assert [key.removeprefix("Bearer ") for key in stats.authorizations] == [KEY]


ERRORS: dict[Ask, type[Exception]] = {
    ask_anthropic: anthropic.RateLimitError,
    ask_cohere: ApiError,
    ask_gemini: google.genai.errors.ClientError,
    ask_ollama: ollama.ResponseError,
    ask_azure: openai.RateLimitError,
}


@every_dialect
def test_an_error_is_worded_as_the_service_does(ask: Ask) -> None:
    refusal = Status(429, {"retry-after": "3"}, message="come back later")
    with loopback_provider(reply=lambda body: SAID, fault=[refusal]) as provider:
        with pytest.raises(ERRORS[ask], match="come back later") as caught:
            run(ask, provider)
        run(ask, provider)
        assert (provider.stats().answered, provider.stats().refused) == (1, 1)
    shown: Any = getattr(caught.value, "body", None) or getattr(caught.value, "details", None)
    if ask is ask_anthropic:
        assert shown["error"]["type"] == "rate_limit_error"
    if ask is ask_gemini:
        assert shown["error"]["status"] == "RESOURCE_EXHAUSTED"


BROKEN = (anthropic.APIConnectionError, openai.APIConnectionError, httpx.TransportError)


@every_dialect
@pytest.mark.parametrize("fault", [Reset(), Truncated()], ids=["reset", "truncated"])
def test_faults_of_the_connection_reach_every_client(ask: Ask, fault: Fault) -> None:
    with loopback_provider(reply=lambda body: SAID, fault=lambda n, body: fault) as provider:
        with pytest.raises(BROKEN):
            run(ask, provider)
        assert (provider.stats().answered, provider.stats().in_flight) == (0, 0)


def test_anthropics_headers_tell_of_the_limits() -> None:
    limits = Limits(requests_per_minute=5, kind="window", headers="anthropic")
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    with loopback_provider(limits=limits) as provider:
        response = httpx.post(f"{provider.root}/v1/messages", json=body)
    assert response.headers["anthropic-ratelimit-requests-limit"] == "5"
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "4"
    assert response.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


def test_anthropics_max_tokens_must_be_given() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    with loopback_provider() as provider:
        response = httpx.post(f"{provider.root}/v1/messages", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_azure_wants_an_api_version() -> None:
    body = {"messages": [{"role": "user", "content": "hi"}]}
    with loopback_provider() as provider:
        url = f"{provider.root}/openai/deployments/d/chat/completions"
        assert httpx.post(url, json=body).status_code == 404
        answer = httpx.post(f"{url}?api-version=2026-01-01", json=body).json()
    assert answer["model"] == "d"


def test_ollama_names_its_models() -> None:
    with loopback_provider() as provider:
        assert httpx.get(f"{provider.root}/api/tags").json()["models"][0]["model"]
