"""From `"provider:model"` strings and plain dicts to `LLM` objects."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from llms.llm import LLM, registered_providers
from llms.named_models import NamedModels

PROVIDERS = {
    "anthropic": "llms.providers.anthropic",
    "anyscale": "llms.providers.anyscale",
    "azure": "llms.providers.azure",
    "cohere": "llms.providers.cohere",
    "gemini": "llms.providers.gemini",
    "groq": "llms.providers.groq",
    "inference-endpoints": "llms.providers.inference_endpoints",
    "litellm": "llms.providers.litellm",
    "llama-cpp": "llms.providers.llama_cpp",
    "llama-cpp-server": "llms.providers.llama_cpp_server",
    "mistral": "llms.providers.mistral",
    "mixture-of-agents": "llms.providers.mixture_of_agents",
    "ollama": "llms.providers.ollama",
    "openai": "llms.providers.openai",
    "scripted": "llms.providers.scripted",
    "together": "llms.providers.together",
    "transformers": "llms.providers.transformers",
    "vertex": "llms.providers.vertex",
    "vllm": "llms.providers.vllm",
}
"""Provider name to the module that defines its class."""

DEFAULT_LLM = "llama-cpp:smollm2-135m-instruct"
"""The embedded model, for flows that are given none: no key, no network."""

_MODELS = NamedModels(
    LLM,  # type: ignore[type-abstract]  # none is made of it
    PROVIDERS,
    registered_providers,
    called="A model",
    made="",
    example=("mistral", "mistral-small-latest"),
)


def as_llm(value: Any) -> LLM:
    """Return the `LLM` that a string, a dict or an `LLM` names.

    `"mistral:mistral-small-latest"`, or `{"provider": "mistral", "model": ..., ...}` with the
    parameters of that provider's class.

    Raises:
        ConfigurationError: unknown provider, or a parameter the class does not take.
    """
    return _MODELS.find(value)


def provider_class(provider: str) -> type[LLM]:
    """Return the class of a provider.

    Raises:
        ConfigurationError: there is no such provider.
    """
    return _MODELS.provider_class(provider)


def providers_with(feature: str) -> list[str]:
    """Return the providers of real models whose API offers a feature, a field of `Supports`."""
    return [
        name
        for name in PROVIDERS
        if name != "scripted" and getattr(provider_class(name).supports, feature)
    ]


LLMField = Annotated[
    LLM,
    PlainValidator(as_llm),
    PlainSerializer(lambda llm: llm.describe(), return_type=dict[str, Any]),
]
"""A pydantic field that takes an `LLM`, a `"provider:model"` string or a dict."""
