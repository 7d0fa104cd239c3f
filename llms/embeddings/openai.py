"""Embedding models of OpenAI and of compatible servers."""

from __future__ import annotations

import os
from typing import ClassVar

from pydantic import Field

from llms.embeddings.embeddings_api import EmbeddingsAPI


class OpenAIEmbeddings(EmbeddingsAPI):
    """An embedding model of OpenAI or of any compatible server, named by `base_url`.

    `base_url` defaults to `OPENAI_BASE_URL`, then to OpenAI's own; it counts as part of the model's
    identity. The key is `OPENAI_API_KEY`. OpenAI's models refuse texts of more than 8,191 tokens.
    """

    provider: ClassVar = "openai"
    price_list: ClassVar = "openai"
    key_variables: ClassVar = ("OPENAI_API_KEY",)

    base_url: str | None = Field(
        default_factory=lambda: os.environ.get("OPENAI_BASE_URL") or None,
    )

    @property
    def url(self) -> str:
        return self.base_url or "https://api.openai.com/v1"
