"""Talking to models: configuration, one gateway for every call, and the store of answers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from llms.chat import (
    Answer,
    ChatMessage,
    ChatRequest,
    ChatType,
    Completion,
    Sample,
    Usage,
)
from llms.gateway import Gateway, RetryPolicy
from llms.home import default_gateway
from llms.llm import LLM, GenerationParameters, RemoteLLM
from llms.registry import DEFAULT_LLM, as_llm
from llms.store import CompletionStore

if TYPE_CHECKING:
    from llms.providers.llama_cpp import LlamaCppLLM
    from llms.providers.mistral import MistralLLM
    from llms.providers.openai import OpenAILLM
    from llms.providers.scripted import ScriptedLLM

_PROVIDER_CLASSES = {
    "LlamaCppLLM": "llms.providers.llama_cpp",
    "MistralLLM": "llms.providers.mistral",
    "OpenAILLM": "llms.providers.openai",
    "ScriptedLLM": "llms.providers.scripted",
}

__all__ = [
    "DEFAULT_LLM",
    "LLM",
    "Answer",
    "ChatMessage",
    "ChatRequest",
    "ChatType",
    "Completion",
    "CompletionStore",
    "Gateway",
    "GenerationParameters",
    "LlamaCppLLM",
    "MistralLLM",
    "OpenAILLM",
    "RemoteLLM",
    "RetryPolicy",
    "Sample",
    "ScriptedLLM",
    "Usage",
    "as_llm",
    "default_gateway",
]


def __getattr__(name: str) -> Any:
    if name in _PROVIDER_CLASSES:
        return getattr(import_module(_PROVIDER_CLASSES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
