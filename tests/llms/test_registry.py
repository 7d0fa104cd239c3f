"""`"provider:model"` strings and dicts name the same models as the classes."""

from __future__ import annotations

from typing import Any

import pytest

from llms import DEFAULT_LLM, LLM, LlamaCppLLM, MistralLLM, OpenAILLM, ScriptedLLM, as_llm
from llms.config import Config
from llms.errors import ConfigurationError
from llms.providers.llama_cpp import LlamaCppParameters
from llms.providers.mistral import MistralParameters
from llms.providers.openai import OpenAIParameters
from llms.registry import PROVIDERS, LLMField
from tests.llms.conftest import run_python


@pytest.mark.parametrize(
    ("named", "llm"),
    [
        ("openai:gpt-5-mini", OpenAILLM(model="gpt-5-mini")),
        ("openai:ft:gpt-5-mini:team", OpenAILLM(model="ft:gpt-5-mini:team")),
        ("mistral:mistral-small-latest", MistralLLM(model="mistral-small-latest")),
        ("llama-cpp:smollm2-135m-instruct", LlamaCppLLM()),
        ({"provider": "llama-cpp"}, LlamaCppLLM()),
        ({"provider": "scripted", "replies": ["yes"]}, ScriptedLLM(replies=("yes",))),
        (
            {"provider": "mistral", "model": "m", "generation_kwargs": {"temperature": 0.2}},
            MistralLLM(model="m", generation_kwargs=MistralParameters(temperature=0.2)),
        ),
    ],
    ids=["string", "colons in the model", "mistral", "embedded", "dict", "scripted", "parameters"],
)
def test_a_string_or_a_dict_names_the_same_model_as_its_class(named: Any, llm: LLM) -> None:
    assert as_llm(named) == llm
    assert as_llm(named).identity == llm.identity


def test_a_model_passes_through_as_it_is() -> None:
    llm = OpenAILLM(model="m")
    assert as_llm(llm) is llm


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "gpt-5-mini",
            "A model is named 'provider:model', for example 'mistral:mistral-small-latest'; "
            "'gpt-5-mini' has no provider. Providers: anthropic, anyscale, azure, cohere, ",
        ),
        (
            "opnai:gpt-5-mini",
            "There is no provider 'opnai'; it is one of: anthropic, anyscale, azure, ",
        ),
        ({"model": "m"}, "A model given as a mapping needs 'provider' and 'model', for example"),
        ({"provider": "openai"}, "OpenAILLM: parameter 'model' is missing."),
        (7, "A model is an LLM, a 'provider:model' string or a mapping, not a int."),
    ],
    ids=["no provider", "unknown provider", "dict without provider", "no model", "a number"],
)
def test_what_names_no_model_is_a_configuration_error(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_llm(value)
    assert str(caught.value).startswith(sentence)


_NEEDED = {
    "mixture-of-agents": {"aggregator_llm": "scripted:a", "proposers_llms": ["scripted:b"]},
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_is_found_by_its_name_and_described_by_it(provider: str) -> None:
    given = {"provider": provider, "model": "m", **_NEEDED.get(provider, {})}
    llm = as_llm(given)
    assert llm.provider == provider
    assert llm.model == "m"
    assert as_llm(llm.describe()) == llm
    if provider not in _NEEDED:
        assert as_llm(f"{provider}:m") == llm


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_names_what_it_takes_when_it_is_given_something_else(provider: str) -> None:
    given = {"provider": provider, "model": "m", "tiemout": 3, **_NEEDED.get(provider, {})}
    with pytest.raises(ConfigurationError, match=r"has no parameter 'tiemout'\. Did you mean"):
        as_llm(given)


def test_every_class_is_exported_by_name_and_none_of_them_loads_an_sdk() -> None:
    script = (
        "import sys, llms\n"
        "from llms.registry import PROVIDERS, provider_class\n"
        "assert all(getattr(llms, provider_class(p).__name__) for p in PROVIDERS)\n"
        "sdks = {'openai', 'anthropic', 'cohere', 'ollama', 'mistralai', 'google.genai', 'PIL'}\n"
        "print(sorted(sdks & set(sys.modules)))"
    )
    assert run_python(script) == "[]"


@pytest.mark.parametrize(
    "llm",
    [
        OpenAILLM(
            model="m",
            base_url="http://127.0.0.1:1/v1",
            generation_kwargs=OpenAIParameters(stop=(".",)),
        ),
        MistralLLM(
            model="m", timeout=7, generation_kwargs=MistralParameters(seed=3, safe_prompt=True)
        ),
        LlamaCppLLM(n_ctx=512, generation_kwargs=LlamaCppParameters(top_k=4)),
        ScriptedLLM(rules={"rate": "5"}),
    ],
    ids=["openai", "mistral", "llama-cpp", "scripted"],
)
def test_a_description_is_read_back_as_the_same_model(llm: LLM) -> None:
    again = as_llm(llm.describe())
    assert again == llm
    assert again.identity == llm.identity


def test_a_field_of_another_configuration_takes_every_form_and_dumps_a_description() -> None:
    class Judge(Config):
        llm: LLMField

    judges = [
        Judge(llm=as_llm("mistral:m")),
        Judge.model_validate({"llm": "mistral:m"}),
        Judge.model_validate({"llm": {"provider": "mistral", "model": "m"}}),
    ]
    assert {judge.llm.identity for judge in judges} == {MistralLLM(model="m").identity}
    assert judges[0].model_dump() == {"llm": {"provider": "mistral", "model": "m"}}


def test_the_default_model_is_the_embedded_one() -> None:
    assert as_llm(DEFAULT_LLM) == LlamaCppLLM()


def test_a_new_subclass_is_a_provider_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from llms import llm as registry

    monkeypatch.setattr(registry, "registered_providers", {})

    class Parrot(ScriptedLLM):
        provider = "parrot"

    assert registry.registered_providers == {"parrot": Parrot}
