"""Endpoints deployed with Anyscale."""

from __future__ import annotations

from typing import ClassVar

from llms.providers.chat_completions import ChatCompletionsLLM, from_environment, needed_url


class AnyscaleLLM(ChatCompletionsLLM):
    """A model behind an endpoint that its owner deployed with Anyscale.

    `base_url`, or `ANYSCALE_BASE_URL`, is the address of the deployment (Anyscale's own public
    endpoints are gone). The key is `ANYSCALE_API_KEY`.
    """

    provider: ClassVar = "anyscale"
    key_variables: ClassVar = ("ANYSCALE_API_KEY",)

    base_url: str | None = from_environment("ANYSCALE_BASE_URL")

    @property
    def url(self) -> str:
        return needed_url("AnyscaleLLM", self.base_url, "ANYSCALE_BASE_URL")
