"""What OpenAI's and Mistral's clients have in common: bodies, answers and typed errors."""

from __future__ import annotations

import itertools
import json
import socket
import time
from typing import Any

import pytest

from llms import Completion, Usage
from llms.errors import (
    ConnectionFailed,
    RequestTimedOut,
    ServerFailed,
)
from tests.llms.conftest import OpenGateway, RemoteModel
from tests.loopback import (
    Hang,
    LoopbackProvider,
    Status,
)

_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_an_answer_carries_text_usage_finish_reason_model_and_request_id(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    provider.reply = lambda body: "Bonjour à tous"
    [[completion]] = remote_model(provider).generate(["Say hello"], gateway=open_gateway())
    assert completion == Completion("Bonjour à tous", Usage(2, 3), "stop", "m", "chatcmpl-1")


def test_a_conversation_is_sent_as_it_is(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is “Zürich”? \N{EARTH GLOBE EUROPE-AFRICA}"},
        {"role": "assistant", "content": "In Switzerland."},
        {"role": "user", "content": "And Bern?"},
    ]
    remote_model(provider).generate([chat], gateway=open_gateway())  # type: ignore[list-item]  # a dict
    [body] = provider.stats().bodies
    sent = [{"role": turn["role"], "content": turn["content"]} for turn in body["messages"]]
    assert sent == chat
    assert body["model"] == "m"


def test_the_parameters_go_under_the_names_of_the_api(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    parameters = {
        "max_new_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": (".", "!"),
        "frequency_penalty": 0.25,
        "presence_penalty": -0.5,
    }
    remote_model(provider, generation_kwargs=parameters).generate(["hi"], gateway=open_gateway())
    [body] = provider.stats().bodies
    sent = {**parameters, "stop": [".", "!"], "max_tokens": 9}
    del sent["max_new_tokens"]
    assert {name: body[name] for name in sent} == sent
    assert "max_new_tokens" not in body


def test_parameters_left_out_are_left_to_the_provider(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    remote_model(provider).generate(["hi"], gateway=open_gateway())
    [body] = provider.stats().bodies
    assert {name for name, value in body.items() if value not in (None, False)} == {
        "model",
        "messages",
    }


def test_a_response_schema_is_sent_as_a_strict_json_schema(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    provider.reply = lambda body: '{"name": "Ada"}'
    [[completion]] = remote_model(provider).generate(
        ["Who?"], response_schema=_SCHEMA, gateway=open_gateway()
    )
    [body] = provider.stats().bodies
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": _SCHEMA, "strict": True},
    }
    assert json.loads(completion.text) == {"name": "Ada"}


def _seeds(provider: LoopbackProvider) -> list[int | None]:
    return [body.get("seed", body.get("random_seed")) for body in provider.stats().bodies]


def test_no_seed_is_sent_unless_the_user_sets_one(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    remote_model(provider).generate(["hi"], 2, gateway=open_gateway())
    assert _seeds(provider) == [None, None]


def test_with_a_seed_every_sample_has_its_own_and_the_same_one_again(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel, tmp_path: Any
) -> None:
    llm = remote_model(provider, generation_kwargs={"seed": 7}, max_concurrent_requests=1)
    llm.generate(["hi", "ho"], 3, gateway=open_gateway(tmp_path / "one.sqlite"))
    first = _seeds(provider)
    assert len(set(first)) == 6
    assert all(isinstance(seed, int) and 0 <= seed < 2**31 for seed in first)
    provider.reset()
    llm.generate(["hi", "ho"], 3, gateway=open_gateway(tmp_path / "two.sqlite"))
    assert sorted(map(str, _seeds(provider))) == sorted(map(str, first))


def test_a_port_that_nobody_listens_on_is_a_failed_connection(
    open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = LoopbackProvider()
        provider.port = unused.getsockname()[1]
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{provider.port}"):
            remote_model(provider).generate(["hi"], gateway=open_gateway())


def test_a_host_that_does_not_exist_is_a_failed_connection(
    open_gateway: OpenGateway, remote_model: RemoteModel, provider: LoopbackProvider
) -> None:
    nowhere = {"base_url": "http://no-such-host.invalid/v1"}
    if "endpoint" in type(remote_model(provider)).model_fields:
        nowhere = {"endpoint": "http://no-such-host.invalid"}
    with pytest.raises(ConnectionFailed, match=r"no-such-host\.invalid"):
        remote_model(provider, **nowhere).generate(["hi"], gateway=open_gateway())


def test_an_answer_that_does_not_come_in_time_is_a_time_out(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    provider.fail_with([Hang()])
    began = time.monotonic()
    with pytest.raises(RequestTimedOut, match=r"sent no answer within 0\.3 s\."):
        remote_model(provider, timeout=0.3).generate(["hi"], gateway=open_gateway())
    assert time.monotonic() - began < 5


def test_models_that_share_an_account_keep_their_own_time_outs(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    provider.latency = 0.5
    gateway = open_gateway()
    with pytest.raises(RequestTimedOut):
        remote_model(provider, timeout=0.1).generate(["hi"], gateway=gateway)
    assert remote_model(provider, timeout=60).generate(["hi"], gateway=gateway)[0][0].text


def test_the_client_sends_a_request_once_and_leaves_retries_to_the_gateway(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    provider.fail_with(itertools.repeat(Status(503)))
    with pytest.raises(ServerFailed):
        remote_model(provider).generate(["hi"], gateway=open_gateway(attempts=1))
    assert provider.stats().requests == 1
