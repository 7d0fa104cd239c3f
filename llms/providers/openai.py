"""OpenAI, and every server that speaks its chat completions API."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from llms.chat import ChatRequest
from llms.model import Supports
from llms.providers.batched import BatchedLLM
from llms.providers.chat_completions import (
    ChatCompletionsParameters,
    from_environment,
)


class OpenAIParameters(ChatCompletionsParameters):
    """Sampling parameters of OpenAI's API; `reasoning_effort` is for models that reason."""

    reasoning_effort: str | None = None


class OpenAILLM(BatchedLLM):
    """A model of OpenAI or of any compatible server, named by `base_url`.

    `base_url` defaults to `OPENAI_BASE_URL`, then to OpenAI's own; it counts as part of the model's
    identity. The key is `OPENAI_API_KEY`; a server on this machine needs none.
    """

    provider: ClassVar = "openai"
    price_list: ClassVar = "openai"
    supports: ClassVar = Supports(
        structured_output=True, tools=True, images=True, logprobs=True, seed=True, batches=True
    )
    key_variables: ClassVar = ("OPENAI_API_KEY",)

    base_url: str | None = from_environment("OPENAI_BASE_URL")
    generation_kwargs: OpenAIParameters = OpenAIParameters()

    @property
    def url(self) -> str:
        return self.base_url or "https://api.openai.com/v1"

    def batch_body(self, request: ChatRequest, seed: int) -> dict[str, Any]:
        body = super().batch_body(request, seed)
        # OpenAI's reasoning models refuse the older name, some compatible servers the newer.
        if "max_tokens" in body and (urlsplit(self.url).hostname or "").endswith("openai.com"):
            body["max_completion_tokens"] = body.pop("max_tokens")
        return body
