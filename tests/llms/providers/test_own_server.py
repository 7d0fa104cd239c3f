"""Servers of the user's own, which name the model they serve; and endpoints that are looked up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

from llms.errors import AuthenticationFailed, ConfigurationError, ConnectionFailed, ModelNotFound
from llms.providers.inference_endpoints import InferenceEndpointsLLM
from llms.providers.llama_cpp_server import LlamaCppServerLLM
from llms.providers.own_server import OwnServerLLM
from llms.providers.vllm import ClientvLLM
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import Answers, RecordedAPI, ask

_CHOICE = {"message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}
_SERVERS = [ClientvLLM, LlamaCppServerLLM]


@pytest.fixture(params=_SERVERS, ids=lambda cls: cls.provider)
def server(request: pytest.FixtureRequest) -> type[OwnServerLLM]:
    cls: type[OwnServerLLM] = request.param
    return cls


def _at(cls: type[OwnServerLLM], url: str, **parameters: Any) -> OwnServerLLM:
    return cls.model_validate({"base_url": url, **parameters})


def test_a_server_is_asked_for_its_model_when_none_is_named(
    server: type[OwnServerLLM], api: RecordedAPI
) -> None:
    api.behaviour = Answers({"choices": [_CHOICE]})
    api.listing = {"object": "list", "data": [{"id": "qwen", "object": "model"}]}
    ask(_at(server, f"{api.root}/v1"))
    ask(_at(server, f"{api.root}/v1", model="named"))
    assert [sent.body["model"] for sent in api.sent] == ["qwen", "named"]


def test_a_server_without_a_model_says_so(server: type[OwnServerLLM], api: RecordedAPI) -> None:
    api.listing = {"object": "list", "data": []}
    with pytest.raises(ModelNotFound, match=r"serves no model; name one with model=\."):
        ask(_at(server, f"{api.root}/v1"))


def test_a_server_that_is_not_there_is_a_failed_connection(server: type[OwnServerLLM]) -> None:
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:1"):
        ask(_at(server, "http://127.0.0.1:1/v1"))


def test_calls_of_own_servers_cost_nothing(server: type[OwnServerLLM]) -> None:
    assert server.free


@pytest.mark.parametrize(
    ("parameters", "url", "name"),
    [
        ({"model_id": "owner/name"}, "https://router.huggingface.co/v1", "owner/name"),
        ({"model": "owner/name:groq"}, "https://router.huggingface.co/v1", "owner/name:groq"),
        ({"base_url": "http://127.0.0.1:8080/v1"}, "http://127.0.0.1:8080/v1", "tgi"),
        (
            {"endpoint_name": "mine", "endpoint_namespace": "me"},
            "https://api.endpoints.huggingface.cloud/v2/endpoint/me/mine",
            "mine",
        ),
    ],
    ids=["model_id", "model", "TGI", "dedicated endpoint"],
)
def test_hugging_face_is_reached_in_three_ways(
    parameters: dict[str, str], url: str, name: str
) -> None:
    llm = InferenceEndpointsLLM(**parameters)  # type: ignore[arg-type]  # strings for strings
    assert (llm.url, llm.model_name) == (url, name)


def test_something_must_be_named() -> None:
    with pytest.raises(ConfigurationError, match="one of model=, endpoint_name= and base_url="):
        InferenceEndpointsLLM()


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[dict[str, Any]]]:
    """Says what the Hub answers when an endpoint is looked up; returns the look-ups."""

    def answer(found: Any) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def look_up(name: str, **parameters: Any) -> Any:
            asked.append({"name": name, **parameters})
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(huggingface_hub, "get_inference_endpoint", look_up)
        return asked

    return answer


def _endpoint(url: str | None, state: str) -> huggingface_hub.InferenceEndpoint:
    return huggingface_hub.InferenceEndpoint.from_raw(
        {
            "name": "mine",
            "type": "protected",
            "healthRoute": "/health",
            "model": {
                "repository": "owner/name",
                "framework": "pytorch",
                "task": "text",
                "revision": "main",
            },
            "status": {
                "state": state,
                "url": url,
                "createdAt": "2026-01-01T00:00:00.000Z",
                "updatedAt": "2026-01-01T00:00:00.000Z",
            },
        },
        namespace="me",
    )


def _dedicated() -> InferenceEndpointsLLM:
    return InferenceEndpointsLLM(endpoint_name="mine", endpoint_namespace="me", api_key=KEY)  # type: ignore[arg-type]  # made secret by pydantic


def test_the_address_of_a_dedicated_endpoint_is_looked_up(
    endpoint: Callable[[Any], list[dict[str, Any]]], api: RecordedAPI
) -> None:
    asked = endpoint(_endpoint(api.root, "running"))
    api.behaviour = Answers({"choices": [_CHOICE]})
    assert ask(_dedicated()).completion.text == "hello"
    assert asked == [{"name": "mine", "namespace": "me", "token": KEY}]
    assert api.sent[0].path == "/v1/chat/completions"
    assert api.sent[0].body["model"] == "tgi"


def test_an_endpoint_that_does_not_run_says_so(
    endpoint: Callable[[Any], list[dict[str, Any]]],
) -> None:
    endpoint(_endpoint(None, "paused"))
    with pytest.raises(ConfigurationError, match="The endpoint 'mine' is paused; start it"):
        ask(_dedicated())


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, AuthenticationFailed, "check HF_TOKEN or api_key="),
        (404, ConfigurationError, "The endpoint 'mine' cannot be found; check endpoint_name"),
    ],
)
def test_an_endpoint_that_cannot_be_looked_up_says_why(
    status: int,
    error: type[Exception],
    sentence: str,
    endpoint: Callable[[Any], list[dict[str, Any]]],
) -> None:
    response = httpx2.Response(status, request=httpx2.Request("GET", "https://hub.example"))
    endpoint(HfHubHTTPError(f"no, {KEY}", response=response))
    with pytest.raises(error, match=sentence) as caught:
        ask(_dedicated())
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
