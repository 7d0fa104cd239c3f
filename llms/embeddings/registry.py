"""From `"provider:model"` strings and plain dicts to `EmbeddingModel` objects."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from llms.embeddings.model import EmbeddingModel
from llms.errors import ConfigurationError

PROVIDERS = {
    "minilm": "llms.embeddings.minilm",
    "mistral": "llms.embeddings.mistral",
    "openai": "llms.embeddings.openai",
    "sentence-transformers": "llms.embeddings.sentence_transformer",
    "wordllama": "llms.embeddings.wordllama",
}
"""Provider name to the module that defines its class."""


def as_embeddings(value: Any) -> EmbeddingModel:
    """Return the `EmbeddingModel` that a string, a dict or an `EmbeddingModel` names.

    `"mistral:mistral-embed"`, or `{"provider": "mistral", "model": ..., ...}` with the parameters
    of that provider's class.

    Raises:
        ConfigurationError: unknown provider, or a parameter the class does not take.
    """
    if isinstance(value, EmbeddingModel):
        return value
    if isinstance(value, str):
        provider, separator, model = value.partition(":")
        if not separator:
            raise ConfigurationError(
                f"An embedding model is named 'provider:model', for example "
                f"'minilm:all-minilm-l6-v2'; {value!r} has no provider. "
                f"Providers: {', '.join(sorted(PROVIDERS))}."
            )
        return provider_class(provider)(model=model)
    if isinstance(value, Mapping):
        parameters = dict(value)
        provider = parameters.pop("provider", None)
        if not isinstance(provider, str):
            raise ConfigurationError(
                "An embedding model given as a mapping needs 'provider' and 'model', for example "
                "{'provider': 'mistral', 'model': 'mistral-embed'}."
            )
        return provider_class(provider)(**parameters)
    raise ConfigurationError(
        f"An embedding model is an EmbeddingModel, a 'provider:model' string or a mapping, "
        f"not a {type(value).__name__}."
    )


def provider_class(provider: str) -> type[EmbeddingModel]:
    """Return the class of a provider.

    Raises:
        ConfigurationError: there is no such provider.
    """
    if provider in PROVIDERS:
        import_module(PROVIDERS[provider])
    if provider not in EmbeddingModel.registered:
        known = sorted({*PROVIDERS, *EmbeddingModel.registered})
        raise ConfigurationError(
            f"There is no provider {provider!r} of embeddings; it is one of: {', '.join(known)}."
        )
    return EmbeddingModel.registered[provider]


EmbeddingsField = Annotated[
    EmbeddingModel,
    PlainValidator(as_embeddings),
    PlainSerializer(lambda model: model.describe(), return_type=dict[str, Any]),
]
"""A pydantic field that takes an `EmbeddingModel`, a `"provider:model"` string or a dict."""
