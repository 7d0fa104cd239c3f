"""Texts to vectors, each of them paid for once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llms.budget import Purse
from llms.chat import Usage
from llms.digest import digest
from llms.embeddings.model import Embedding, EmbeddingModel, EmbeddingReply
from llms.errors import NotStored
from llms.gateway.dispatcher import Dispatcher, Sending
from llms.prices import amount_of, rates_of
from llms.spending import NO_CALLS, NOTHING, Booking, Calls
from llms.store import CompletionStore
from llms.waiting import together


class Embedder:
    """Finds the vectors of texts in the store and asks for the missing ones, many in a call."""

    def __init__(
        self, store: CompletionStore, dispatcher: Dispatcher, *, offline: bool = False
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._offline = offline

    async def embed(
        self, model: EmbeddingModel, texts: Sequence[str], purse: Purse | None
    ) -> tuple[list[Embedding], Calls]:
        """Return the embeddings in the order of the texts, and the calls behind them."""
        keys = {text: embedding_key(model, text) for text in texts}
        stored = await self._store.get_many(list(keys.values()), counted=not self._offline)
        found = {key: item for key, item in stored.items() if isinstance(item, Embedding)}
        missing = [text for text, key in keys.items() if key not in found]
        if missing and self._offline and not model.free:
            raise NotStored(model, sum(map(len, missing)))
        size = model.texts_per_request
        asked = await together(
            [
                self._ask(
                    model, {text: keys[text] for text in missing[start : start + size]}, purse
                )
                for start in range(0, len(missing), size)
            ]
        )
        calls = NO_CALLS
        for embeddings, its_calls in asked:
            found.update(embeddings)
            calls += its_calls
        return [found[keys[text]] for text in texts], calls

    async def _ask(
        self, model: EmbeddingModel, keys: dict[str, str], purse: Purse | None
    ) -> tuple[dict[str, Embedding], Calls]:
        texts = list(keys)
        most = amount_of(model, Usage(sum(len(text.encode()) + 2 for text in texts), 0))
        if purse:
            await purse.reserve(most)
        used = NOTHING
        try:
            reply = await self._dispatcher.send(
                model,
                lambda client: model.send(client, texts),
                lambda reply: reply.usage,
                Sending(),
                characters=sum(map(len, texts)),
                most_output=0,
            )
            made = _shared_out(model, texts, reply)
            used = amount_of(model, reply.usage)
            bookings = [purse.booking(used) if purse else Booking()]
            bookings += [replace(bookings[0], accounts=())] * (len(texts) - 1)
            stored = await together(
                [
                    self._store.put(key, item, booking)
                    for key, item, booking in zip(keys.values(), made, bookings, strict=True)
                ]
            )
        finally:
            if purse:
                purse.settle(most, used)
        costs = [item.cost_usd for item in made]
        calls = Calls(
            requests=1,
            input_tokens=reply.usage.input_tokens,
            cost_usd=sum(cost or 0.0 for cost in costs),
            unpriced=int(None in costs),
        )
        return {
            key: item
            for key, item in zip(keys.values(), stored, strict=True)
            if isinstance(item, Embedding)
        }, calls


def embedding_key(model: EmbeddingModel, text: str) -> str:
    """Name the vector of a text by the content of its request."""
    return digest(["embedding", model.identity, text])


def _shared_out(model: EmbeddingModel, texts: list[str], reply: EmbeddingReply) -> list[Embedding]:
    """Cut a reply into texts; each bears its share of tokens and cost, by its length."""
    rates = rates_of(model)
    cost = None if rates is None else rates.cost(reply.usage)
    whole = sum(map(len, texts)) or 1
    made = []
    begun, counted = 0, 0
    for text, vector in zip(texts, reply.vectors, strict=True):
        begun += len(text)
        until = round(reply.usage.input_tokens * begun / whole)
        share = None if cost is None else cost * len(text) / whole
        made.append(Embedding(vector, reply.model, until - counted, share))
        counted = until
    return made
