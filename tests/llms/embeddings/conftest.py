"""Calls of embedding models without a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from llms.embeddings.model import EmbeddingModel, EmbeddingReply


def embed(model: EmbeddingModel, texts: Sequence[str]) -> EmbeddingReply:
    """Open a model, make one call and close it."""
    return embed_each(model, [texts])[0]


def embed_each(model: EmbeddingModel, calls: Sequence[Sequence[str]]) -> list[EmbeddingReply]:
    """Open a model, make calls one after another and close it."""

    async def send_all() -> list[EmbeddingReply]:
        client = await asyncio.to_thread(model.connect)
        try:
            return [await model.send(client, texts) for texts in calls]
        finally:
            await model.close(client)

    return asyncio.run(send_all())
