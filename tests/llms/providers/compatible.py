"""The providers of the chat completions API, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from llms import (
    AnyscaleLLM,
    AzureOpenAILLM,
    ClientvLLM,
    GroqLLM,
    InferenceEndpointsLLM,
    LiteLLM,
    LlamaCppServerLLM,
    MistralLLM,
    OpenAILLM,
    TogetherLLM,
)
from llms.providers.chat_completions import ChatCompletionsLLM
from tests.llms.conftest import KEY
from tests.llms.providers.recorded import RecordedAPI


@dataclass(frozen=True)
class Provider:
    """A class, how its address is given, where its requests go and what they are called."""

    cls: type[ChatCompletionsLLM]
    address: str = "base_url"
    base: str = "/v1"
    path: str = "/v1/chat/completions"
    query: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, str] = ("authorization", f"Bearer {KEY}")
    limit: str = "max_tokens"
    seed: str = "seed"

    def llm(self, api: RecordedAPI, **parameters: Any) -> ChatCompletionsLLM:
        """Return a model of the class that the API serves."""
        address = {self.address: api.root + self.base}
        return self.cls(**{"model": "m", "api_key": KEY, **address, **parameters})


_AZURE_PATH = "/openai/deployments/m/chat/completions"
COMPATIBLE = [
    Provider(OpenAILLM),
    Provider(
        AzureOpenAILLM,
        base="",
        path=_AZURE_PATH,
        query={"api-version": "2024-10-21"},
        key=("api-key", KEY),
        limit="max_completion_tokens",
    ),
    Provider(MistralLLM, address="endpoint", base="", seed="random_seed"),
    Provider(GroqLLM, limit="max_completion_tokens"),
    Provider(TogetherLLM),
    Provider(AnyscaleLLM),
    Provider(InferenceEndpointsLLM),
    Provider(ClientvLLM),
    Provider(LlamaCppServerLLM),
    Provider(LiteLLM),
]


def chat_reply(message: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a reply of the API, with some things in it changed."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "hello", **(message or {})},
        "finish_reason": changes.pop("finish_reason", "stop"),
    }
    return {
        "id": "r-1",
        "object": "chat.completion",
        "model": "m-2026",
        "choices": [{**choice, **changes.pop("choice", {})}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        **changes,
    }
