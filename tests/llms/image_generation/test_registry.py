"""Names and dicts to image models."""

from __future__ import annotations

from typing import Any

import pytest

from llms.config import Config
from llms.errors import ConfigurationError
from llms.image_generation.inference_endpoints import InferenceEndpointsImageGeneration
from llms.image_generation.model import ImageGenerationModel
from llms.image_generation.openai import OpenAIImageGeneration
from llms.image_generation.registry import ImageGenerationField, as_image_generation
from llms.image_generation.scripted import ScriptedImageGeneration
from tests.llms.conftest import KEY, run_python


@pytest.mark.parametrize(
    ("named", "model"),
    [
        ("openai:gpt-image-1", OpenAIImageGeneration(model="gpt-image-1")),
        ({"provider": "scripted", "size": 3}, ScriptedImageGeneration(size=3)),
        (
            "inference-endpoints:owner/name:tag",
            InferenceEndpointsImageGeneration(model="owner/name:tag"),
        ),
        (
            {"provider": "openai", "model": "m", "generation_kwargs": {"size": "1x1"}},
            OpenAIImageGeneration.model_validate(
                {"model": "m", "generation_kwargs": {"size": "1x1"}}
            ),
        ),
    ],
    ids=["openai", "scripted", "hugging-face", "parameters"],
)
def test_a_string_or_a_dict_names_the_same_model_as_its_class(
    named: Any, model: ImageGenerationModel
) -> None:
    assert as_image_generation(named) == model
    assert as_image_generation(named).identity == model.identity
    assert as_image_generation(model.describe()) == model
    assert as_image_generation(model) is model


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "dall-e-3",
            "An image model is named 'provider:model', for example 'openai:gpt-image-1'; ",
        ),
        ("opnai:m", "There is no provider 'opnai' of images; it is one of: inference-endpoints, "),
        ({"model": "m"}, "An image model given as a mapping needs 'provider' and 'model', for "),
        ({"provider": "openai"}, "OpenAIImageGeneration: parameter 'model' is missing."),
        (
            {"provider": "openai", "model": "m", "generation_kwargs": {"sizes": "x"}},
            "OpenAIImageParameters has no parameter 'sizes'. Did you mean 'size'?",
        ),
        (7, "An image model is an ImageGenerationModel, a 'provider:model' string or a mapping, "),
    ],
    ids=["no-provider", "unknown", "no-provider-in-a-dict", "no-model", "typo", "number"],
)
def test_what_names_no_model_is_a_configuration_error(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_image_generation(value)
    assert str(caught.value).startswith(sentence)


class Painting(Config):
    image_generation_model: ImageGenerationField


def test_a_field_takes_a_name_and_dumps_what_the_registry_reads_back() -> None:
    named = Painting.model_validate({"image_generation_model": "openai:m"})
    keyed = Painting.model_validate(
        {"image_generation_model": {"provider": "openai", "model": "m", "api_key": KEY}}
    )
    assert named.model_dump() == keyed.model_dump()
    assert named.model_dump() == {"image_generation_model": {"provider": "openai", "model": "m"}}
    assert Painting(**named.model_dump()) == named


def test_how_images_are_fetched_and_what_they_cost_does_not_change_what_they_are() -> None:
    plain = OpenAIImageGeneration(model="m")
    assert (
        plain.identity == OpenAIImageGeneration(model="m", price_per_image=0.04, timeout=5).identity
    )
    large = OpenAIImageGeneration.model_validate({"model": "m", "generation_kwargs": {"size": "L"}})
    assert plain.identity != large.identity


def test_the_registry_loads_a_provider_when_it_is_named() -> None:
    script = """
import sys
import llms.image_generation.registry as registry
print([name for name in sys.modules if name in registry.PROVIDERS.values()], "PIL" in sys.modules)
"""
    assert run_python(script) == "[] False"
