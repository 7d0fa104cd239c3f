"""Mistral AI."""

from __future__ import annotations

from typing import Any, ClassVar

from llms.chat import ChatRequest
from llms.model import Supports
from llms.providers.batched import BatchedLLM
from llms.providers.chat_completions import (
    ChatCompletionsParameters,
    from_environment,
)


class MistralParameters(ChatCompletionsParameters):
    """Sampling parameters of Mistral's chat API; `safe_prompt` adds its own safety instruction."""

    safe_prompt: bool | None = None


class MistralLLM(BatchedLLM):
    """A model of Mistral AI.

    `endpoint` defaults to `MISTRAL_ENDPOINT`, then to Mistral's own; it counts as part of the
    model's identity. The key is `MISTRAL_API_KEY`. A conversation that ends with an assistant's
    turn is one that the model continues.
    """

    provider: ClassVar = "mistral"
    price_list: ClassVar = "mistral"
    supports: ClassVar = Supports(
        structured_output=True, tools=True, images=True, logprobs=True, seed=True, batches=True
    )
    key_variables: ClassVar = ("MISTRAL_API_KEY", "MISTRALAI_API_KEY")
    seed_parameter: ClassVar = "random_seed"

    endpoint: str | None = from_environment("MISTRAL_ENDPOINT")
    generation_kwargs: MistralParameters = MistralParameters()

    @property
    def url(self) -> str:
        root = (self.endpoint or "https://api.mistral.ai").rstrip("/")
        return root if root.endswith("/v1") else f"{root}/v1"

    def batch_body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        body = super().batch_body(request, seed)
        messages = body["messages"]
        if messages and messages[-1]["role"] == "assistant":
            body["messages"] = [*messages[:-1], {**messages[-1], "prefix": True}]
        return body
