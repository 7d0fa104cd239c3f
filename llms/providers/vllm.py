"""A vLLM server."""

from __future__ import annotations

from typing import ClassVar

from llms.providers.chat_completions import ChatCompletionsParameters, from_environment
from llms.providers.own_server import OwnServerLLM


class VLLMParameters(ChatCompletionsParameters):
    """Sampling parameters of a vLLM server."""

    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    logit_bias: dict[str, float] | None = None


class ClientvLLM(OwnServerLLM):
    """A model on a vLLM server (`vllm serve`), which enforces response schemas while it samples.

    `base_url` defaults to `VLLM_BASE_URL`, then to vLLM's usual port on this machine. The key,
    where the server asks for one, is `VLLM_API_KEY`. An empty `model` asks the server. To write
    user's turns it needs a `magpie_pre_query_template`.
    """

    provider: ClassVar = "vllm"
    key_variables: ClassVar = ("VLLM_API_KEY",)

    base_url: str | None = from_environment("VLLM_BASE_URL")
    generation_kwargs: VLLMParameters = VLLMParameters()

    @property
    def url(self) -> str:
        return self.base_url or "http://127.0.0.1:8000/v1"
