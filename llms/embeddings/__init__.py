"""Models that turn texts into vectors; one file per provider."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llms.embeddings.minilm import MiniLMEmbeddings
    from llms.embeddings.mistral import MistralEmbeddings
    from llms.embeddings.openai import OpenAIEmbeddings
    from llms.embeddings.sentence_transformer import SentenceTransformerEmbeddings
    from llms.embeddings.wordllama import WordLlamaEmbeddings

_CLASSES = {
    "MiniLMEmbeddings": "llms.embeddings.minilm",
    "MistralEmbeddings": "llms.embeddings.mistral",
    "OpenAIEmbeddings": "llms.embeddings.openai",
    "SentenceTransformerEmbeddings": "llms.embeddings.sentence_transformer",
    "WordLlamaEmbeddings": "llms.embeddings.wordllama",
}

__all__ = [
    "MiniLMEmbeddings",
    "MistralEmbeddings",
    "OpenAIEmbeddings",
    "SentenceTransformerEmbeddings",
    "WordLlamaEmbeddings",
]


def __getattr__(name: str) -> Any:
    """Import a provider's class when it is first asked for."""
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_CLASSES[name]), name)
