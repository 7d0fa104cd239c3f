"""Gemini, by Google's API for developers."""

from __future__ import annotations

from typing import Any, ClassVar

from llms.providers.chat_completions import from_environment
from llms.providers.google import GoogleLLM


class GeminiLLM(GoogleLLM):
    """A Gemini model, reached with a key of Google AI Studio (needs the extra `google`).

    `base_url` defaults to `GEMINI_BASE_URL`, then to Google's own. The key is `GEMINI_API_KEY`.
    """

    provider: ClassVar = "gemini"
    key_variables: ClassVar = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

    base_url: str | None = from_environment("GEMINI_BASE_URL")

    @property
    def url(self) -> str:
        return self.base_url or "https://generativelanguage.googleapis.com"

    def open_client(self, options: Any) -> Any:
        from google.genai import Client

        return Client(enterprise=False, api_key=self.key(), http_options=options)
