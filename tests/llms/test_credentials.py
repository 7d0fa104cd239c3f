"""Finding keys, and keeping them out of everything that is shown or kept."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from llms import LLM, MistralLLM, OpenAILLM, RemoteLLM, as_llm
from llms.credentials import read_secrets_with
from llms.errors import ConfigurationError, MissingKeyError, StillhouseError
from tests.llms.conftest import KEY, OpenGateway, RemoteModel, mistral_model, openai_model
from tests.loopback import MALFORMED, LoopbackProvider, Reset, Status

_REMOTE = "https://models.example/v1"


@pytest.fixture
def secret_blocks(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Secret blocks by name, readable as they are inside a flow."""
    monkeypatch.setattr("llms.credentials._reader", None)
    blocks: dict[str, str] = {}
    read_secrets_with(lambda name: blocks[name])
    return blocks


@pytest.mark.parametrize(
    ("parameters", "environment", "key"),
    [
        pytest.param(
            {"api_key": "argument", "api_key_block": "block"},
            {"MISTRAL_API_KEY": "environment"},
            "argument",
            id="the argument goes first",
        ),
        pytest.param(
            {"api_key_block": "block"},
            {"MISTRAL_API_KEY": "environment"},
            "in the block",
            id="then the named block",
        ),
        pytest.param(
            {},
            {"MISTRAL_API_KEY": "environment", "MISTRALAI_API_KEY": "second"},
            "environment",
            id="then the environment",
        ),
        pytest.param({}, {"MISTRALAI_API_KEY": "second"}, "second", id="by its other name"),
        pytest.param(
            {"api_key": ""}, {"MISTRAL_API_KEY": "environment"}, "environment", id="empty argument"
        ),
        pytest.param(
            {},
            {"MISTRAL_API_KEY": "", "MISTRALAI_API_KEY": "second"},
            "second",
            id="empty variable",
        ),
    ],
)
def test_the_key_is_looked_for_in_this_order(
    parameters: dict[str, Any],
    environment: dict[str, str],
    key: str,
    secret_blocks: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret_blocks["block"] = "in the block"
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert MistralLLM(model="m", **parameters).key() == key


@pytest.mark.parametrize(
    ("llm", "variable"),
    [
        (OpenAILLM(model="m", base_url=_REMOTE), "OPENAI_API_KEY"),
        (MistralLLM(model="m"), "MISTRAL_API_KEY"),
    ],
    ids=["openai", "mistral"],
)
def test_without_a_key_the_error_names_every_place_for_one(llm: RemoteLLM, variable: str) -> None:
    with pytest.raises(MissingKeyError) as caught:
        llm.check()
    assert str(caught.value) == (
        f"No API key for {llm.provider}: set the environment variable {variable}, pass api_key=, "
        f"or name a Prefect Secret block with api_key_block=."
    )


def test_a_missing_key_is_found_before_any_request(
    open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MissingKeyError):
        MistralLLM(model="m").generate(["hi"], gateway=open_gateway())


def test_a_block_outside_a_flow_gives_way_to_the_environment_as_its_error_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llms.credentials._reader", None)
    llm = MistralLLM(model="m", api_key_block="team-key")
    with pytest.raises(MissingKeyError) as caught:
        llm.key()
    assert str(caught.value) == (
        "The API key of mistral is in the secret block 'team-key', which only a flow can read; "
        "outside one pass api_key= or set MISTRAL_API_KEY."
    )
    monkeypatch.setenv("MISTRAL_API_KEY", "from the environment")
    assert llm.key() == "from the environment"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_an_openai_server_on_this_machine_needs_no_key(host: str) -> None:
    llm = OpenAILLM(model="m", base_url=f"http://{host}:8000/v1")
    llm.check()
    assert llm.key() == "none"


def test_the_key_is_sent_as_a_bearer_token(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    remote_model(provider).generate(["hi"], gateway=open_gateway())
    assert provider.stats().authorizations == {f"Bearer {KEY}": 1}


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param(lambda llm: repr(llm.generation_kwargs), id="parameters"),
        pytest.param(lambda llm: llm.identity, id="identity"),
        pytest.param(lambda llm: llm.account, id="account"),
        pytest.param(lambda llm: repr(llm.content), id="content"),
        pytest.param(lambda llm: repr(llm.describe()), id="description"),
        pytest.param(lambda llm: repr(llm.model_dump()), id="dump"),
        pytest.param(lambda llm: repr(llm.model_dump(round_trip=True)), id="round-trip dump"),
        pytest.param(lambda llm: llm.model_dump_json(), id="JSON"),
        pytest.param(lambda llm: repr(llm.model_copy()), id="copy"),
        pytest.param(lambda llm: repr(llm.address), id="address"),
    ],
)
@pytest.mark.parametrize("name", ["openai:m", "mistral:m"])
def test_no_view_of_a_model_shows_its_key(name: str, show: Callable[[LLM], str]) -> None:
    plain = as_llm(name)
    llm = type(plain)(model="m", api_key=SecretStr(KEY))  # type: ignore[call-arg]  # a RemoteLLM
    assert KEY not in show(llm)


@pytest.mark.parametrize(
    "parameters",
    [
        {"api_key": KEY},
        {"model": "m", "api_key": KEY, "timeout": "never"},
        {"model": "m", "api_key": KEY, "tiemout": 3},
        {"model": "m", "api_key": [KEY]},
        {"model": "m", "api_key": KEY, "generation_kwargs": {"temperature": "hot"}},
    ],
    ids=["no model", "bad time-out", "unknown parameter", "key of the wrong type", "nested"],
)
def test_no_traceback_of_a_configuration_error_shows_the_key(parameters: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OpenAILLM(**parameters)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "fault",
    [Status(401), Status(400), Status(500), Reset(), MALFORMED],
    ids=["unauthorised", "bad request", "server error", "reset", "malformed"],
)
def test_no_traceback_of_a_failed_request_shows_the_key(
    fault: Any,
    provider: LoopbackProvider,
    open_gateway: OpenGateway,
    remote_model: RemoteModel,
) -> None:
    provider.fail_with([fault])
    with pytest.raises(StillhouseError) as caught:
        remote_model(provider).generate(["hi"], gateway=open_gateway())
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_key_that_the_provider_repeats_is_masked(
    status: int,
    provider: LoopbackProvider,
    open_gateway: OpenGateway,
    remote_model: RemoteModel,
) -> None:
    provider.fail_with([Status(status, message=f"Incorrect API key provided: {KEY}")])
    with pytest.raises(StillhouseError) as caught:
        remote_model(provider).generate(["hi"], gateway=open_gateway())
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert "Incorrect API key provided" in str(caught.value)


def test_neither_the_store_nor_the_log_holds_a_key(
    provider: LoopbackProvider,
    open_gateway: OpenGateway,
    store_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    gateway = open_gateway(attempts=2)
    provider.fail_with([Status(503), Status(429)])
    with caplog.at_level(logging.DEBUG):
        for llm in (openai_model(provider), mistral_model(provider)):
            llm.generate(["hi", "ho"], gateway=gateway)
    files = {path.name: path.read_bytes() for path in store_path.parent.iterdir()}
    assert files.keys() >= {"completions.sqlite", "completions.sqlite-wal"}
    assert [name for name, content in files.items() if KEY.encode() in content] == []
    assert KEY not in caplog.text
