"""Configuration: strict, frozen, and with errors people can act on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from llms import LLM, LlamaCppLLM, MistralLLM, OpenAILLM, ScriptedLLM
from llms.config import Config
from llms.errors import ConfigurationError
from llms.providers.mistral import MistralParameters
from llms.providers.openai import OpenAIParameters
from tests.llms.conftest import run_python


def _takes(kind: type[Config]) -> str:
    return f"It takes: {', '.join(sorted(kind.model_fields))}."


@pytest.mark.parametrize(
    ("kind", "parameters", "sentence"),
    [
        pytest.param(
            OpenAILLM,
            {"modle": "m"},
            f"OpenAILLM has no parameter 'modle'. Did you mean 'model'? {_takes(OpenAILLM)}",
            id="unknown, close to a known one",
        ),
        pytest.param(
            OpenAILLM,
            {"model": "m", "colour": "red"},
            f"OpenAILLM has no parameter 'colour'. {_takes(OpenAILLM)}",
            id="unknown",
        ),
        pytest.param(
            MistralLLM,
            {"model": "m", "generation_kwargs": {"temprature": 1}},
            "MistralParameters has no parameter 'temprature'. Did you mean 'temperature'? "
            + _takes(MistralParameters),
            id="unknown inside another",
        ),
        pytest.param(
            OpenAILLM,
            {},
            "OpenAILLM: parameter 'model' is missing.",
            id="missing",
        ),
        pytest.param(
            OpenAILLM,
            {"model": "m", "timeout": "soon"},
            "OpenAILLM: parameter 'timeout': input should be a valid number, unable to parse "
            "string as a number.",
            id="wrong type",
        ),
        pytest.param(
            OpenAILLM,
            {"model": "m", "timeout": 0, "max_concurrent_requests": 0},
            "OpenAILLM: parameter 'max_concurrent_requests': input should be greater than or "
            "equal to 1; parameter 'timeout': input should be greater than 0.",
            id="two out of range",
        ),
        pytest.param(
            LlamaCppLLM,
            {"generation_kwargs": {"top_p": 2}},
            "LlamaCppParameters: parameter 'top_p': input should be less than or equal to 1.",
            id="out of range inside another",
        ),
        pytest.param(
            ScriptedLLM,
            {"replies": ()},
            "ScriptedLLM: parameter 'replies': tuple should have at least 1 item after "
            "validation, not 0.",
            id="too short",
        ),
    ],
)
def test_an_unfit_parameter_is_one_sentence_that_says_what_to_do(
    kind: type[LLM], parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**parameters)
    assert str(caught.value) == sentence


def test_parameters_given_as_a_dict_and_as_an_object_are_the_same() -> None:
    parameters: dict[str, Any] = {"temperature": 0.5, "stop": ("\n",)}
    as_dict = OpenAILLM.model_validate({"model": "m", "generation_kwargs": parameters})
    as_object = OpenAILLM(model="m", generation_kwargs=OpenAIParameters(**parameters))
    assert as_object == as_dict
    assert as_object.identity == as_dict.identity


@pytest.mark.parametrize("name", ["model", "timeout", "generation_kwargs"])
def test_a_configuration_cannot_be_changed_once_made(name: str) -> None:
    llm = OpenAILLM(model="m")
    with pytest.raises(ValidationError, match="frozen"):
        setattr(llm, name, "other")


def test_a_copy_with_other_parameters_is_checked_and_has_digests_of_its_own() -> None:
    llm = OpenAILLM(model="m", api_key=SecretStr("key"))
    before = llm.identity
    copy = llm.model_copy(update={"model": "other", "timeout": 3})
    assert copy == OpenAILLM(model="other", timeout=3, api_key=SecretStr("key"))
    assert copy.identity == OpenAILLM(model="other").identity
    assert llm.identity == before
    with pytest.raises(ConfigurationError, match="OpenAILLM has no parameter 'tiemout'"):
        llm.model_copy(update={"tiemout": 3})


def test_other_sampling_parameters_are_added_to_those_set() -> None:
    llm = MistralLLM(model="m", generation_kwargs=MistralParameters(temperature=0.1, seed=7))
    warmer = llm.sampling(temperature=0.9)
    assert warmer.generation_kwargs == MistralParameters(temperature=0.9, seed=7)
    assert warmer.identity != llm.identity
    assert llm.sampling(temperature=0.1).identity == llm.identity
    with pytest.raises(ConfigurationError, match="MistralParameters has no parameter 'top_k'"):
        llm.sampling(top_k=3)


def test_a_users_own_configuration_gets_the_same_errors() -> None:
    class Recipe(Config):
        grams: int

    with pytest.raises(ConfigurationError, match=r"^Recipe: parameter 'grams' is missing\.$"):
        Recipe()  # type: ignore[call-arg]  # the mistake under test
    with pytest.raises(ConfigurationError, match=r"^Recipe has no parameter 'gram'\. Did you mean"):
        Recipe(gram=1)  # type: ignore[call-arg]  # the mistake under test


def test_no_provider_package_is_imported_before_it_is_used() -> None:
    script = (
        "import sys; from llms import MistralLLM, OpenAILLM, LlamaCppLLM, as_llm;"
        "as_llm('openai:m').identity; as_llm('mistral:m').identity; LlamaCppLLM().identity;"
        "print({'openai', 'mistralai', 'xllamacpp', 'aiohttp', 'prefect'} & set(sys.modules))"
    )
    assert run_python(script) == "set()"
