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
    Tool,
    ToolCall,
    Usage,
)
from llms.gateway import Gateway, RetryPolicy
from llms.home import default_gateway
from llms.llm import LLM, GenerationParameters, RemoteLLM
from llms.registry import DEFAULT_LLM, as_llm
from llms.store import CompletionStore

if TYPE_CHECKING:
    from llms.providers.anthropic import AnthropicLLM
    from llms.providers.anyscale import AnyscaleLLM
    from llms.providers.azure import AzureOpenAILLM
    from llms.providers.cohere import CohereLLM
    from llms.providers.gemini import GeminiLLM
    from llms.providers.groq import GroqLLM
    from llms.providers.inference_endpoints import InferenceEndpointsLLM
    from llms.providers.litellm import LiteLLM
    from llms.providers.llama_cpp import LlamaCppLLM
    from llms.providers.llama_cpp_server import LlamaCppServerLLM
    from llms.providers.mistral import MistralLLM
    from llms.providers.mixture_of_agents import MixtureOfAgentsLLM
    from llms.providers.ollama import OllamaLLM
    from llms.providers.openai import OpenAILLM
    from llms.providers.scripted import ScriptedLLM
    from llms.providers.together import TogetherLLM
    from llms.providers.transformers import TransformersLLM
    from llms.providers.vertex import VertexAILLM
    from llms.providers.vllm import ClientvLLM

_PROVIDER_CLASSES = {
    "AnthropicLLM": "llms.providers.anthropic",
    "AnyscaleLLM": "llms.providers.anyscale",
    "AzureOpenAILLM": "llms.providers.azure",
    "ClientvLLM": "llms.providers.vllm",
    "CohereLLM": "llms.providers.cohere",
    "GeminiLLM": "llms.providers.gemini",
    "GroqLLM": "llms.providers.groq",
    "InferenceEndpointsLLM": "llms.providers.inference_endpoints",
    "LiteLLM": "llms.providers.litellm",
    "LlamaCppLLM": "llms.providers.llama_cpp",
    "LlamaCppServerLLM": "llms.providers.llama_cpp_server",
    "MistralLLM": "llms.providers.mistral",
    "MixtureOfAgentsLLM": "llms.providers.mixture_of_agents",
    "OllamaLLM": "llms.providers.ollama",
    "OpenAILLM": "llms.providers.openai",
    "ScriptedLLM": "llms.providers.scripted",
    "TogetherLLM": "llms.providers.together",
    "TransformersLLM": "llms.providers.transformers",
    "VertexAILLM": "llms.providers.vertex",
}

__all__ = [
    "DEFAULT_LLM",
    "LLM",
    "Answer",
    "AnthropicLLM",
    "AnyscaleLLM",
    "AzureOpenAILLM",
    "ChatMessage",
    "ChatRequest",
    "ChatType",
    "ClientvLLM",
    "CohereLLM",
    "Completion",
    "CompletionStore",
    "Gateway",
    "GeminiLLM",
    "GenerationParameters",
    "GroqLLM",
    "InferenceEndpointsLLM",
    "LiteLLM",
    "LlamaCppLLM",
    "LlamaCppServerLLM",
    "MistralLLM",
    "MixtureOfAgentsLLM",
    "OllamaLLM",
    "OpenAILLM",
    "RemoteLLM",
    "RetryPolicy",
    "Sample",
    "ScriptedLLM",
    "TogetherLLM",
    "Tool",
    "ToolCall",
    "TransformersLLM",
    "Usage",
    "VertexAILLM",
    "as_llm",
    "default_gateway",
]


def __getattr__(name: str) -> Any:
    if name in _PROVIDER_CLASSES:
        return getattr(import_module(_PROVIDER_CLASSES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
