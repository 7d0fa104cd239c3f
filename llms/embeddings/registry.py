"""From `"provider:model"` strings and plain dicts to `EmbeddingModel` objects."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from llms.embeddings.model import EmbeddingModel
from llms.named_models import NamedModels

PROVIDERS = {
    "minilm": "llms.embeddings.minilm",
    "mistral": "llms.embeddings.mistral",
    "openai": "llms.embeddings.openai",
    "sentence-transformers": "llms.embeddings.sentence_transformer",
    "wordllama": "llms.embeddings.wordllama",
}
"""Provider name to the module that defines its class."""

_MODELS = NamedModels(
    EmbeddingModel,  # type: ignore[type-abstract]  # none is made of it
    PROVIDERS,
    EmbeddingModel.registered,
    called="An embedding model",
    made="embeddings",
    example=("minilm", "all-minilm-l6-v2"),
)


def as_embeddings(value: Any) -> EmbeddingModel:
    """Return the `EmbeddingModel` that a string, a dict or an `EmbeddingModel` names.

    `"mistral:mistral-embed"`, or `{"provider": "mistral", "model": ..., ...}` with the parameters
    of that provider's class.

    Raises:
        ConfigurationError: unknown provider, or a parameter the class does not take.
    """
    return _MODELS.find(value)


EmbeddingsField = Annotated[
    EmbeddingModel,
    PlainValidator(as_embeddings),
    PlainSerializer(lambda model: model.describe(), return_type=dict[str, Any]),
]
"""A pydantic field that takes an `EmbeddingModel`, a `"provider:model"` string or a dict."""
