"""A clean environment, and an API on the loopback interface that a test scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llms.registry import PROVIDERS, provider_class
from tests.llms.providers.compatible import COMPATIBLE, Provider
from tests.llms.providers.recorded import RecordedAPI, recorded_api

_ADDRESSES = {
    "ANTHROPIC_BASE_URL",
    "ANYSCALE_BASE_URL",
    "AZURE_OPENAI_ENDPOINT",
    "CO_API_URL",
    "GEMINI_BASE_URL",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_CLOUD_PROJECT",
    "GROQ_BASE_URL",
    "HF_INFERENCE_BASE_URL",
    "LITELLM_PROXY_API_BASE",
    "LLAMA_CPP_BASE_URL",
    "OLLAMA_HOST",
    "OPENAI_API_VERSION",
    "TOGETHER_BASE_URL",
    "VERTEX_BASE_URL",
    "VLLM_BASE_URL",
}


@pytest.fixture(autouse=True)
def _no_keys_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        variable
        for name in PROVIDERS
        for variable in getattr(provider_class(name), "key_variables", ())
    }
    for variable in keys | _ADDRESSES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def api() -> Iterator[RecordedAPI]:
    """An API that answers what the test tells it."""
    with recorded_api() as running:
        yield running


@pytest.fixture(params=COMPATIBLE, ids=lambda each: each.cls.provider)
def compatible(request: pytest.FixtureRequest) -> Provider:
    """The test runs with every provider of the chat completions API."""
    each: Provider = request.param
    return each
