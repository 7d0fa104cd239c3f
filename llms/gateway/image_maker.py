"""Texts to images, each of them paid for once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from llms.budget import Purse
from llms.chat import Sample
from llms.digest import digest
from llms.errors import NotStored, RequestRefused, TransientError
from llms.gateway.dispatcher import Dispatcher
from llms.gateway.flights import Flight, Flights
from llms.image_generation.download import download
from llms.image_generation.model import Image, ImageGenerationModel, ImageReply
from llms.retries import RetryPolicy
from llms.spending import NOTHING, Booking, Receipt
from llms.store import CompletionStore

_DOWNLOADS_AT_ONCE = 8


class ImageMaker:
    """Finds images in the store and asks for the missing ones.

    Where a provider answers with an address, that is stored and charged as the answer it is, before
    the image is fetched from there: a process that is killed in between fetches it and pays nothing
    again, for as long as the provider keeps it.
    """

    def __init__(
        self,
        store: CompletionStore,
        dispatcher: Dispatcher,
        policy: RetryPolicy,
        *,
        offline: bool = False,
    ) -> None:
        self._offline = offline
        self._store = store
        self._dispatcher = dispatcher
        self._policy = policy
        self._downloads = asyncio.Semaphore(_DOWNLOADS_AT_ONCE)
        self._flights: Flights[Image] = Flights()

    def sent(self) -> list[asyncio.Task[Image]]:
        """Return the requests that providers have and that are not stored yet."""
        return self._flights.sent()

    async def draw(
        self, model: ImageGenerationModel, prompt: str, sample: Sample, purse: Purse | None
    ) -> tuple[Image, Receipt]:
        """Return an image for a prompt, and the receipt for it."""
        key = digest(["image", model.identity, prompt, sample.owner, sample.index])
        image, reused = await self._flights.take(
            key, lambda flight: self._fly(flight, model, prompt, key, purse)
        )
        return image, Receipt(
            key,
            image.model,
            None,
            image.input_tokens,
            image.output_tokens,
            image.cost_usd,
            reused=reused,
        )

    async def _fly(
        self,
        flight: Flight[Image],
        model: ImageGenerationModel,
        prompt: str,
        key: str,
        purse: Purse | None,
    ) -> Image:
        if isinstance(stored := await self._store.get(key, counted=not self._offline), Image):
            flight.found = True
            return stored
        if self._offline:
            raise NotStored(model, len(prompt))
        tries = 0
        while isinstance(kept := await self._store.get(_address(key, tries)), Image):
            flight.sent = True
            try:
                fetched = await self._fetched(kept, model, key)
            except RequestRefused:  # the provider does not keep it any more
                flight.sent = False
                tries += 1
            else:
                flight.found = True
                return fetched
        made = await self._ask(flight, model, prompt, key, _address(key, tries), purse)
        return made if made.address is None else await self._fetched(made, model, key)

    async def _ask(
        self,
        flight: Flight[Image],
        model: ImageGenerationModel,
        prompt: str,
        key: str,
        address: str,
        purse: Purse | None,
    ) -> Image:
        """Send the request and store what comes under the image's key, or under its address's."""
        most, used = model.most_of(prompt), NOTHING
        if purse:
            if model.price_per_image is None:
                purse.check(model)
            await purse.reserve(most)
        try:
            reply = await self._dispatcher.send(
                model,
                lambda client: model.send(client, prompt, int(key[:8], 16) & 0x7FFFFFFF),
                lambda reply: reply.usage,
                flight,
                characters=len(prompt),
                most_output=None,
            )
            used = model.amount_of(reply.usage)
            booking = purse.booking(used) if purse else Booking()
            image = _image_of(reply, model)
            stored = await self._store.put(key if image.data else address, image, booking)
            assert isinstance(stored, Image)
            return stored
        finally:
            if purse:
                purse.settle(most, used)

    async def _fetched(self, image: Image, model: ImageGenerationModel, key: str) -> Image:
        """Fetch an image from its address and store it; it is charged already."""
        assert image.address is not None
        attempt = 1
        while True:
            try:
                async with self._downloads:
                    data = await download(image.address, model)
                break
            except TransientError as error:
                if attempt >= self._policy.attempts:
                    raise
                await asyncio.sleep(self._policy.wait_after(attempt, error))
                attempt += 1
        stored = await self._store.put(key, replace(image, data=data, address=None))
        assert isinstance(stored, Image)
        return stored


def _image_of(reply: ImageReply, model: ImageGenerationModel) -> Image:
    usage = reply.usage
    cost = model.cost_of(usage)
    return Image(
        reply.data, reply.model, usage.input_tokens, usage.output_tokens, cost, reply.address
    )


def _address(key: str, tries: int) -> str:
    """Name the answer that says where an image is; each try to have it made has one of its own."""
    return digest([key, "address", tries])
