"""Together AI."""

from __future__ import annotations

from typing import ClassVar

from llms.providers.chat_completions import ChatCompletionsLLM, from_environment


class TogetherLLM(ChatCompletionsLLM):
    """A model served by Together AI.

    `base_url` defaults to `TOGETHER_BASE_URL`, then to Together's own. The key is
    `TOGETHER_API_KEY`.
    """

    provider: ClassVar = "together"
    price_list: ClassVar = "together"
    key_variables: ClassVar = ("TOGETHER_API_KEY",)

    base_url: str | None = from_environment("TOGETHER_BASE_URL")

    @property
    def url(self) -> str:
        return self.base_url or "https://api.together.xyz/v1"
