"""Names and dicts to embedding models."""

from __future__ import annotations

from typing import Any

import pytest

from llms.config import Config
from llms.embeddings.minilm import MiniLMEmbeddings
from llms.embeddings.mistral import MistralEmbeddings
from llms.embeddings.model import EmbeddingModel
from llms.embeddings.openai import OpenAIEmbeddings
from llms.embeddings.registry import EmbeddingsField, as_embeddings
from llms.embeddings.sentence_transformer import SentenceTransformerEmbeddings
from llms.embeddings.wordllama import WordLlamaEmbeddings
from llms.errors import ConfigurationError
from tests.llms.conftest import KEY, run_python


@pytest.mark.parametrize(
    ("named", "model"),
    [
        ("openai:text-embedding-3-small", OpenAIEmbeddings(model="text-embedding-3-small")),
        ("mistral:mistral-embed", MistralEmbeddings(model="mistral-embed")),
        ("minilm:all-minilm-l6-v2", MiniLMEmbeddings()),
        ({"provider": "minilm"}, MiniLMEmbeddings()),
        ({"provider": "wordllama"}, WordLlamaEmbeddings()),
        (
            {"provider": "openai", "model": "m", "dimensions": 64},
            OpenAIEmbeddings(model="m", dimensions=64),
        ),
        (
            {"provider": "sentence-transformers", "model": "a/b", "truncate_dim": 64},
            SentenceTransformerEmbeddings(model="a/b", truncate_dim=64),
        ),
    ],
    ids=["openai", "mistral", "minilm", "dict", "wordllama", "parameters", "sentences"],
)
def test_a_string_or_a_dict_names_the_same_model_as_its_class(
    named: Any, model: EmbeddingModel
) -> None:
    assert as_embeddings(named) == model
    assert as_embeddings(named).identity == model.identity
    assert as_embeddings(model.describe()) == model
    assert as_embeddings(model) is model


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "mistral-embed",
            "An embedding model is named 'provider:model', for example 'minilm:all-minilm-l6-v2'; "
            "'mistral-embed' has no provider. Providers: minilm, mistral, openai, ",
        ),
        ("opnai:m", "There is no provider 'opnai' of embeddings; it is one of: minilm, mistral, "),
        ({"model": "m"}, "An embedding model given as a mapping needs 'provider' and 'model'"),
        ({"provider": "openai"}, "OpenAIEmbeddings: parameter 'model' is missing."),
        (
            {"provider": "openai", "model": "m", "dimension": 3},
            "OpenAIEmbeddings has no parameter 'dimension'. Did you mean 'dimensions'?",
        ),
        (7, "An embedding model is an EmbeddingModel, a 'provider:model' string or a mapping, "),
    ],
    ids=["no provider", "unknown provider", "no provider in a dict", "no model", "typo", "number"],
)
def test_what_names_no_model_is_a_configuration_error(value: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        as_embeddings(value)
    assert str(caught.value).startswith(sentence)


class Searching(Config):
    embeddings: EmbeddingsField


def test_a_field_takes_a_name_and_dumps_what_the_registry_reads_back() -> None:
    step = Searching.model_validate({"embeddings": "openai:m"})
    keyed = Searching(embeddings=OpenAIEmbeddings.model_validate({"model": "m", "api_key": KEY}))
    assert step.model_dump() == keyed.model_dump()
    assert step.model_dump() == {"embeddings": {"provider": "openai", "model": "m"}}
    assert Searching(**step.model_dump()) == step


def test_how_fast_texts_are_sent_does_not_change_what_they_are() -> None:
    assert (
        OpenAIEmbeddings(
            model="m", texts_per_request=8, timeout=3, max_concurrent_requests=2
        ).identity
    ) == OpenAIEmbeddings(model="m").identity
    assert (
        OpenAIEmbeddings(model="m").identity != OpenAIEmbeddings(model="m", dimensions=8).identity
    )
    assert OpenAIEmbeddings(model="m").identity != MistralEmbeddings(model="m").identity


def test_the_registry_loads_a_provider_when_it_is_named() -> None:
    script = """
import sys
import llms.embeddings.registry
loaded = [name for name in sys.modules if name in llms.embeddings.registry.PROVIDERS.values()]
print(loaded, "openai" in sys.modules)
"""
    assert run_python(script) == "[] False"
