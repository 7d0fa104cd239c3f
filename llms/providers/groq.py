"""Groq."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from llms.model import Supports
from llms.providers.chat_completions import ChatCompletionsLLM, from_environment
from llms.quota import Quota


class GroqLLM(ChatCompletionsLLM):
    """A model served by Groq.

    `base_url` defaults to `GROQ_BASE_URL`, then to Groq's own. The key is `GROQ_API_KEY`. Groq
    enforces schemas for a few of its models only and refuses them for the others, so the gateway
    asks for the JSON in the prompt and checks the answer.
    """

    provider: ClassVar = "groq"
    price_list: ClassVar = "groq"
    supports: ClassVar = Supports(tools=True, images=True, seed=True)
    key_variables: ClassVar = ("GROQ_API_KEY",)
    limit_parameter: ClassVar = "max_completion_tokens"

    base_url: str | None = from_environment("GROQ_BASE_URL")

    @property
    def url(self) -> str:
        return self.base_url or "https://api.groq.com/openai/v1"

    def read_quota(self, headers: Mapping[str, str]) -> Quota | None:
        quota = super().read_quota(headers)
        if quota is None or quota.requests is None:
            return quota
        # Groq counts requests by the day; only tokens by the minute.
        return replace(quota, requests=replace(quota.requests, limit=None))
