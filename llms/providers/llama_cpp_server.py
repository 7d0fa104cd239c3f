"""A llama.cpp server."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from llms.providers.chat_completions import ChatCompletionsParameters, from_environment
from llms.providers.own_server import OwnServerLLM


class LlamaCppServerParameters(ChatCompletionsParameters):
    """Sampling parameters of a llama.cpp server."""

    top_k: int | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repeat_penalty: float | None = Field(default=None, gt=0)


class LlamaCppServerLLM(OwnServerLLM):
    """A model on a llama.cpp server (`llama-server`), which enforces response schemas by grammar.

    `base_url` defaults to `LLAMA_CPP_BASE_URL`, then to the server's usual port on this machine.
    The key, where the server asks for one, is `LLAMA_API_KEY`. An empty `model` asks the server.
    """

    provider: ClassVar = "llama-cpp-server"
    key_variables: ClassVar = ("LLAMA_API_KEY",)

    base_url: str | None = from_environment("LLAMA_CPP_BASE_URL")
    generation_kwargs: LlamaCppServerParameters = LlamaCppServerParameters()

    @property
    def url(self) -> str:
        return self.base_url or "http://127.0.0.1:8080/v1"
