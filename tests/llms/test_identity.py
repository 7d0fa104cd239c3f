"""What makes two models the same model: content, never operation."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from llms import LLM, ChatRequest, LlamaCppLLM, MistralLLM, OpenAILLM, Sample, ScriptedLLM
from llms.gateway import answer_key
from tests.llms.conftest import run_python

_OPENAI = OpenAILLM(model="m", base_url="http://127.0.0.1:1/v1")


def _openai(**changes: object) -> LLM:
    return OpenAILLM.model_validate({"model": "m", "base_url": "http://127.0.0.1:1/v1", **changes})


@pytest.mark.parametrize(
    "llm",
    [
        pytest.param(_openai(timeout=3), id="time-out"),
        pytest.param(_openai(max_concurrent_requests=2), id="concurrency"),
        pytest.param(_openai(api_key=SecretStr("k")), id="key"),
        pytest.param(_openai(api_key_block="block"), id="key block"),
        pytest.param(_openai(default_headers={"x-team": "a"}), id="headers"),
        pytest.param(_openai(connect_timeout=3), id="connect time-out"),
        pytest.param(_openai(use_offline_batch_generation=True), id="batch jobs"),
        pytest.param(_openai(price={"input": 1.0}), id="price"),
        pytest.param(_openai(requests_per_minute=3), id="limit"),
        pytest.param(_openai(generation_kwargs={}), id="empty parameters"),
        pytest.param(_openai(generation_kwargs={"temperature": None}), id="parameter left unset"),
    ],
)
def test_how_a_model_is_called_does_not_change_its_identity(llm: LLM) -> None:
    assert llm.identity == _OPENAI.identity


@pytest.mark.parametrize(
    "llm",
    [
        pytest.param(_openai(model="other"), id="model"),
        pytest.param(_openai(base_url="http://127.0.0.1:2/v1"), id="base URL"),
        pytest.param(_openai(generation_kwargs={"temperature": 0.0}), id="temperature"),
        pytest.param(_openai(generation_kwargs={"max_new_tokens": 9}), id="max_new_tokens"),
        pytest.param(_openai(generation_kwargs={"stop": ["."]}), id="stop"),
        pytest.param(_openai(generation_kwargs={"seed": 1}), id="seed"),
        pytest.param(_openai(generation_kwargs={"extra_body": {"top_k": 1}}), id="extra body"),
        pytest.param(MistralLLM(model="m", endpoint="http://127.0.0.1:1/v1"), id="provider"),
    ],
)
def test_what_decides_the_answers_changes_the_identity(llm: LLM) -> None:
    assert llm.identity != _OPENAI.identity


def test_the_address_from_the_environment_is_part_of_the_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_home = [OpenAILLM(model="m").identity, MistralLLM(model="m").identity]
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("MISTRAL_ENDPOINT", "http://127.0.0.1:2")
    abroad = [OpenAILLM(model="m"), MistralLLM(model="m")]
    assert abroad[0].identity == _OPENAI.identity
    assert not {llm.identity for llm in abroad} & set(at_home)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LlamaCppLLM(), LlamaCppLLM(n_threads=2, n_gpu_layers=0, max_concurrent_requests=2)),
        (ScriptedLLM(), ScriptedLLM(delay=0.5)),
    ],
    ids=["llama-cpp", "scripted"],
)
def test_machine_settings_do_not_change_the_identity(one: LLM, other: LLM) -> None:
    assert one.identity == other.identity


def test_another_process_computes_the_same_identity() -> None:
    script = (
        "from llms import as_llm; print(as_llm({'provider': 'openai', 'model': 'm', 'base_url':"
        "'http://127.0.0.1:1/v1', 'generation_kwargs': {'extra_body': {'b': [1], 'a': {'c': 2}},"
        "'stop': ['.', '!'], 'temperature': 0.7}}).identity)"
    )
    here = _openai(
        generation_kwargs={
            "temperature": 0.7,
            "stop": (".", "!"),
            "extra_body": {"a": {"c": 2}, "b": [1]},
        }
    )
    assert run_python(script) == here.identity


_REQUEST = ChatRequest([{"role": "user", "content": "hi"}])


@pytest.mark.parametrize(
    ("request_", "sample"),
    [
        pytest.param(ChatRequest([{"role": "user", "content": "ho"}]), Sample(), id="text"),
        pytest.param(ChatRequest([{"role": "system", "content": "hi"}]), Sample(), id="role"),
        pytest.param(ChatRequest(_REQUEST.messages, {"type": "object"}), Sample(), id="schema"),
        pytest.param(_REQUEST, Sample(owner="row-1"), id="owner"),
        pytest.param(_REQUEST, Sample(index=1), id="index"),
    ],
)
def test_an_answer_belongs_to_one_request_and_one_sample(
    request_: ChatRequest, sample: Sample
) -> None:
    assert answer_key(_OPENAI, request_, sample) != answer_key(_OPENAI, _REQUEST, Sample())


def test_equal_requests_have_equal_keys_whatever_holds_them() -> None:
    request = ChatRequest(({"content": "hi", "role": "user"},))
    assert answer_key(_OPENAI, request, Sample()) == answer_key(_OPENAI, _REQUEST, Sample())
