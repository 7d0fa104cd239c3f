"""From `"provider:model"` strings and plain dicts to `ImageGenerationModel` objects."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from llms.image_generation.model import ImageGenerationModel
from llms.named_models import NamedModels

PROVIDERS = {
    "inference-endpoints": "llms.image_generation.inference_endpoints",
    "openai": "llms.image_generation.openai",
    "scripted": "llms.image_generation.scripted",
}
"""Provider name to the module that defines its class."""

_MODELS = NamedModels(
    ImageGenerationModel,  # type: ignore[type-abstract]  # none is made of it
    PROVIDERS,
    ImageGenerationModel.registered,
    called="An image model",
    made="images",
    example=("openai", "gpt-image-1"),
)


def as_image_generation(value: Any) -> ImageGenerationModel:
    """Return the model that a string, a dict or an `ImageGenerationModel` names.

    `"openai:gpt-image-1"`, or `{"provider": "openai", "model": ..., ...}` with the parameters of
    that provider's class.

    Raises:
        ConfigurationError: unknown provider, or a parameter the class does not take.
    """
    return _MODELS.find(value)


ImageGenerationField = Annotated[
    ImageGenerationModel,
    PlainValidator(as_image_generation),
    PlainSerializer(lambda model: model.describe(), return_type=dict[str, Any]),
]
"""A pydantic field that takes an `ImageGenerationModel`, a `"provider:model"` string or a dict."""
