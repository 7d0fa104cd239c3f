"""Image models that a loopback provider serves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from llms.image_generation.inference_endpoints import InferenceEndpointsImageGeneration
from llms.image_generation.model import ImageGenerationModel
from llms.image_generation.openai import OpenAIImageGeneration
from tests.llms.conftest import KEY
from tests.loopback import LoopbackProcess, LoopbackProvider

MakeModel = Callable[..., ImageGenerationModel]
"""Makes a model of one provider class, served by a loopback provider."""


def openai_images(
    provider: LoopbackProvider | LoopbackProcess, **parameters: Any
) -> OpenAIImageGeneration:
    return OpenAIImageGeneration(
        **{"model": "m", "base_url": provider.url, "api_key": KEY, **parameters}
    )


def hugging_face_images(
    provider: LoopbackProvider | LoopbackProcess, **parameters: Any
) -> InferenceEndpointsImageGeneration:
    address = f"{provider.root}/text-to-image"
    return InferenceEndpointsImageGeneration(
        **{"model": "m", "base_url": address, "api_key": KEY, **parameters}
    )


@pytest.fixture(params=[openai_images, hugging_face_images], ids=["openai", "hugging-face"])
def make_model(request: pytest.FixtureRequest) -> MakeModel:
    """The test runs with both APIs."""
    make: MakeModel = request.param
    return make
