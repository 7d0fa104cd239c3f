"""The embeddings API, which OpenAI made and most other servers speak."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from llms.chat import Usage
from llms.embeddings.model import EmbeddingReply, RemoteEmbeddingModel, Vectors
from llms.errors import BadRequest, MalformedReply
from llms.providers.http_api import HttpApi
from llms.providers.wire import Posted


class EmbeddingsAPI(HttpApi, RemoteEmbeddingModel):
    """A model behind the embeddings API; a provider adds its address and its differences.

    `dimensions` shortens the vectors, for models that are trained for it. An empty text is sent as
    a space: for one empty text these servers refuse all the texts of a request.
    """

    dimensions: int | None = Field(default=None, ge=1)

    async def send(self, client: Any, texts: Sequence[str]) -> EmbeddingReply:
        if not texts:
            return EmbeddingReply(np.zeros((0, 0), np.float32), Usage(0, 0), self.model)
        body = self.body([_sendable(text) for text in texts])
        posted = await self.post_json(client, "/embeddings", body)
        return self._reply(posted, len(texts))

    def body(self, texts: list[str]) -> dict[str, Any]:
        """Return the JSON body that asks for the vectors of texts."""
        body = {"model": self.model, "input": texts, "encoding_format": "base64"}
        return body if self.dimensions is None else {**body, "dimensions": self.dimensions}

    def _reply(self, posted: Posted, asked: int) -> EmbeddingReply:
        reply = posted.reply
        try:
            items = sorted(reply["data"], key=lambda item: int(item["index"]))
            indexes = [int(item["index"]) for item in items]
            vectors = np.stack([_vector(item["embedding"]) for item in items])
            usage = reply.get("usage") or {}
            tokens = int(usage.get("prompt_tokens") or usage.get("total_tokens") or 0)
            model = str(reply.get("model") or self.model)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise MalformedReply(f"{self.url} sent a reply without vectors.") from error
        if indexes != list(range(asked)):
            raise MalformedReply(f"{self.url} sent {len(items)} vectors for {asked} texts.")
        if not np.isfinite(vectors).all():
            raise MalformedReply(f"{self.url} sent a vector with a number that is not finite.")
        length = vectors.shape[1]
        if self.dimensions not in (None, length):
            raise BadRequest(
                f"{self.url} sent vectors of {length} numbers where dimensions={self.dimensions} "
                f"was asked for; leave dimensions out, or name a model that can be shortened."
            )
        return EmbeddingReply(vectors, Usage(tokens, 0), model, posted.quota)


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode() or " "


def _vector(embedding: Any) -> Vectors:
    if isinstance(embedding, str):
        vector = np.frombuffer(base64.b64decode(embedding, validate=True), "<f4")
    else:
        vector = np.asarray(embedding)
    if vector.ndim != 1 or not vector.size:
        raise ValueError("not a vector")
    return vector.astype(np.float32)
