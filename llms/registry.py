"""From `"provider:model"` strings and plain dicts to `LLM` objects."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator

from llms.errors import ConfigurationError
from llms.llm import LLM, registered_providers

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


def as_llm(value: Any) -> LLM:
    """Return the `LLM` that a string, a dict or an `LLM` names.

    `"mistral:mistral-small-latest"`, or `{"provider": "mistral", "model": ..., ...}` with the
    parameters of that provider's class.

    Raises:
        ConfigurationError: unknown provider, or a parameter the class does not take.
    """
    if isinstance(value, LLM):
        return value
    if isinstance(value, str):
        provider, separator, model = value.partition(":")
        if not separator:
            raise ConfigurationError(
                f"A model is named 'provider:model', for example 'mistral:mistral-small-latest'; "
                f"{value!r} has no provider. Providers: {', '.join(sorted(PROVIDERS))}."
            )
        return provider_class(provider)(model=model)
    if isinstance(value, Mapping):
        parameters = dict(value)
        provider = parameters.pop("provider", None)
        if not isinstance(provider, str):
            raise ConfigurationError(
                "A model given as a mapping needs 'provider' and 'model', for example "
                "{'provider': 'mistral', 'model': 'mistral-small-latest'}."
            )
        return provider_class(provider)(**parameters)
    raise ConfigurationError(
        f"A model is an LLM, a 'provider:model' string or a mapping, not a {type(value).__name__}."
    )


def provider_class(provider: str) -> type[LLM]:
    """Return the class of a provider.

    Raises:
        ConfigurationError: there is no such provider.
    """
    if provider in PROVIDERS:
        import_module(PROVIDERS[provider])
    if provider not in registered_providers:
        known = sorted({*PROVIDERS, *registered_providers})
        raise ConfigurationError(
            f"There is no provider {provider!r}; it is one of: {', '.join(known)}."
        )
    return registered_providers[provider]


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
