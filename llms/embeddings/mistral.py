"""Embedding models of Mistral AI."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from pydantic import Field

from llms.config import Operational
from llms.embeddings.embeddings_api import EmbeddingsAPI


class MistralEmbeddings(EmbeddingsAPI):
    """An embedding model of Mistral AI, `mistral-embed` or `codestral-embed`.

    `endpoint` defaults to `MISTRAL_ENDPOINT`, then to Mistral's own; it counts as part of the
    model's identity. The key is `MISTRAL_API_KEY`. A request takes 16,384 tokens in all: for texts
    of more than 500 tokens lower `texts_per_request`.
    """

    provider: ClassVar = "mistral"
    price_list: ClassVar = "mistral"
    key_variables: ClassVar = ("MISTRAL_API_KEY", "MISTRALAI_API_KEY")

    endpoint: str | None = Field(
        default_factory=lambda: os.environ.get("MISTRAL_ENDPOINT") or None,
    )
    texts_per_request: Operational[int] = Field(default=32, ge=1)

    @property
    def url(self) -> str:
        root = (self.endpoint or "https://api.mistral.ai").rstrip("/")
        return root if root.endswith("/v1") else f"{root}/v1"

    def body(self, texts: list[str]) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "input": texts}
        return body if self.dimensions is None else {**body, "output_dimension": self.dimensions}
