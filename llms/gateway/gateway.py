"""`Gateway`: store, budget, limits, provider, retries, store."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, TypeVar

from pydantic import BaseModel

from llms import loop
from llms.batches.desk import BatchDesk
from llms.batches.timing import BatchTiming
from llms.budget import Budget, Purse, most_of
from llms.chat import Answer, ChatRequest, ChatType, Completion, Sample, text_content
from llms.digest import digest
from llms.embeddings.model import Embedding, EmbeddingModel, Vectors
from llms.errors import NotStored, UnfitAnswer
from llms.gateway.dispatcher import Dispatcher
from llms.gateway.embedder import Embedder
from llms.gateway.flights import Flight, Flights
from llms.gateway.image_maker import ImageMaker
from llms.image_generation.model import Image, ImageGenerationModel
from llms.llm import LLM, CompositeLLM, own_sample
from llms.prices import BATCH_SHARE, amount_of, priced
from llms.providers.batched import BatchedLLM
from llms.retries import RetryPolicy
from llms.spending import NOTHING, Booking, Calls, Receipt
from llms.store import CompletionStore
from llms.structured import Unfit, as_schema, correction, instructed, read
from llms.waiting import together

T = TypeVar("T")


class Gateway:
    """Answers requests, each of them paid for once.

    An answer is durable in the store, and charged, before a caller sees it; a failure is never
    stored. Callers on any thread hand work over with `run`. One that is `offline` sends nothing:
    what is not in the store raises `NotStored`.
    """

    def __init__(
        self,
        store: CompletionStore,
        *,
        retries: RetryPolicy | None = None,
        batches: BatchTiming | None = None,
        offline: bool = False,
    ) -> None:
        self.store = store
        self.offline = offline
        policy = retries or RetryPolicy()
        self._dispatcher = Dispatcher(policy)
        self._batches = BatchDesk(store, policy, batches or BatchTiming())
        self._embedder = Embedder(store, self._dispatcher, offline=offline)
        self._images = ImageMaker(store, self._dispatcher, policy, offline=offline)
        self._flights: Flights[Completion] = Flights()
        self._running: set[asyncio.Task[Any]] = set()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the model loop and wait for its result."""
        try:
            return loop.run(self._interruptible(coroutine))
        finally:
            if getcoroutinestate(coroutine) == CORO_CREATED:
                coroutine.close()

    def interrupt(self, patience: float = 10.0) -> None:
        """Cancel what callers wait for; wait up to `patience` seconds until answers to requests
        already sent are stored.
        """

        async def stop() -> None:
            for task in self._running:
                task.cancel()
            if sent := [*self._flights.sent(), *self._images.sent()]:
                await asyncio.wait(sent, timeout=patience)

        loop.run(stop())

    @contextmanager
    def purse(self, pipeline: str, accounts: Mapping[str, Budget | None]) -> Iterator[Purse]:
        """Open a purse for the calls of a block: ledger account to its budget."""

        async def opened() -> tuple[Purse, asyncio.Task[None]]:
            purse = Purse(self.store, pipeline, accounts)
            return purse, asyncio.create_task(purse.keep_alive())

        async def closed() -> None:
            renewing.cancel()
            await purse.close()

        purse, renewing = loop.run(opened())
        try:
            yield purse
        finally:
            loop.run(closed())

    def generate(
        self,
        llm: LLM,
        chats: Sequence[ChatType | str],
        num_generations: int = 1,
        *,
        response_schema: Mapping[str, Any] | type[BaseModel] | None = None,
    ) -> list[list[Completion]]:
        """Answer every chat `num_generations` times; see `LLM.generate`."""
        seen: dict[str, int] = {}
        schema = as_schema(response_schema)
        requests = [
            ChatRequest(
                [{"role": "user", "content": chat}] if isinstance(chat, str) else chat, schema
            )
            for chat in chats
        ]
        asked = [
            (request, own_sample("", seen, request))
            for request in requests
            for _ in range(num_generations)
        ]

        async def answer_all() -> list[Answer]:
            return await together([self.complete(llm, request, one) for request, one in asked])

        completions = [answer.completion for answer in self.run(answer_all())]
        return [
            completions[start : start + num_generations]
            for start in range(0, len(completions), num_generations)
        ]

    def encode(self, model: EmbeddingModel, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts; see `EmbeddingModel.encode`."""
        import numpy as np

        embeddings, _ = self.run(self.embed(model, texts))
        if not embeddings:
            return np.empty((0, 0), np.float32)
        return np.stack([embedding.vector for embedding in embeddings])

    def generate_images(
        self, model: ImageGenerationModel, prompts: Sequence[str], num_generations: int = 1
    ) -> list[list[Image]]:
        """Return images for prompts; see `ImageGenerationModel.generate`."""
        seen: dict[str, int] = {}
        asked = []
        for prompt in prompts:
            first = seen.get(prompt, 0)
            seen[prompt] = first + num_generations
            asked.append((prompt, range(first, seen[prompt])))

        async def draw_all() -> list[list[Image]]:
            return await together(
                [self._draw_some(model, prompt, samples) for prompt, samples in asked]
            )

        return self.run(draw_all())

    async def complete(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None = None
    ) -> Answer:
        """Return the answer to a request, from the store or from the provider.

        Raises:
            ConfigurationError: the model cannot write the turn that is left open.
            LLMError: no answer came, after the retries that its type is worth.
            StoreError: the answer could not be made durable.
        """
        if request.open_turn is not None:
            llm.check_user_turns(request.messages)
        if isinstance(llm, CompositeLLM):
            return await self._composed(llm, request, sample, purse)
        if request.response_schema is None:
            return await self._answer(llm, request, sample, purse)
        return await self._structured(llm, request, sample, purse)

    async def embed(
        self, model: EmbeddingModel, texts: Sequence[str], purse: Purse | None = None
    ) -> tuple[list[Embedding], Calls]:
        """Return the embeddings of texts, from the store or from the provider, and the calls made.

        Raises:
            LLMError: a text could not be embedded.
            StoreError: a vector could not be made durable.
        """
        return await self._embedder.embed(model, texts, purse)

    async def draw(
        self,
        model: ImageGenerationModel,
        prompt: str,
        sample: Sample,
        purse: Purse | None = None,
    ) -> tuple[Image, Receipt]:
        """Return an image for a prompt, from the store or from the provider, and its receipt.

        Raises:
            LLMError: the image could not be made, or not be fetched.
            StoreError: it could not be made durable.
        """
        return await self._images.draw(model, prompt, sample, purse)

    def close(self) -> None:
        """Release clients and store."""
        self.run(self._close_connections())
        self.store.close()

    async def _close_connections(self) -> None:
        await self._batches.close()
        await self._dispatcher.close()

    async def _interruptible(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await coroutine
        finally:
            self._running.discard(task)

    async def _draw_some(
        self, model: ImageGenerationModel, prompt: str, samples: Iterable[int]
    ) -> list[Image]:
        drawn = await together([self.draw(model, prompt, Sample(index=index)) for index in samples])
        return [image for image, _ in drawn]

    async def _structured(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None
    ) -> Answer:
        """Ask until the reply follows the schema, showing the model what was wrong."""
        schema = request.response_schema
        assert schema is not None
        receipts: tuple[Receipt, ...] = ()
        for _ in range(request.corrections + 1):
            native = llm.supports.structured_output
            sent = request if native else instructed(request)
            answer = await self._answer(llm, sent, sample, purse)
            completion = answer.completion
            receipts += answer.receipts
            try:
                value = read(completion.text, schema, finish_reason=completion.finish_reason)
            except Unfit as error:
                reason = str(error)
                request = correction(request, completion.text, reason)
            else:
                return Answer(replace(completion, structured=value), receipts)
        times = "once" if len(receipts) == 1 else f"{len(receipts)} times"
        raise UnfitAnswer(
            f"The reply of {llm.provider}:{llm.model} does not follow the schema, asked {times}: "
            f"{reason}",
            completion=completion,
            receipts=receipts,
        )

    async def _composed(
        self, llm: CompositeLLM, request: ChatRequest, sample: Sample, purse: Purse | None
    ) -> Answer:
        receipts: list[Receipt] = []
        seen: dict[str, dict[str, int]] = {}
        owner = f"{sample.owner}#{sample.index}" if sample.index else sample.owner

        async def send(member: LLM, its_request: ChatRequest) -> Completion:
            its_sample = own_sample(owner, seen.setdefault(member.identity, {}), its_request)
            answer = await self.complete(member, its_request, its_sample, purse)
            receipts.extend(answer.receipts)
            return answer.completion

        completion = await llm.compose(send, request)
        return Answer(completion, tuple(receipts))

    async def _answer(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None
    ) -> Answer:
        key = answer_key(llm, request, sample)
        if self.offline:
            completion, reused = await self._stored(llm, request, key), True
        else:
            completion, reused = await self._flights.take(
                key, lambda flight: self._fly(flight, llm, request, key, purse)
            )
        return Answer(completion, (_receipt_of(key, completion, reused=reused),))

    async def _stored(self, llm: LLM, request: ChatRequest, key: str) -> Completion:
        """Return the stored answer, which nothing is saved by yet."""
        stored = await self.store.get(key, counted=False)
        if isinstance(stored, Completion):
            return stored
        raise NotStored(llm, _characters(request))

    async def _fly(
        self,
        flight: Flight[Completion],
        llm: LLM,
        request: ChatRequest,
        key: str,
        purse: Purse | None,
    ) -> Completion:
        """Return the stored answer, or send the request until there is one."""
        if isinstance(stored := await self.store.get(key), Completion):
            flight.found = not self._batches.claim(key)
            return stored
        seed = int(key[:8], 16) & 0x7FFFFFFF
        if isinstance(llm, BatchedLLM) and llm.use_offline_batch_generation:
            most = most_of(llm, request, BATCH_SHARE) if purse else NOTHING
            return await self._batches.answer(llm, key, llm.batch_body(request, seed), most, purse)
        charged = purse.booking(NOTHING) if purse else Booking()
        most, used = most_of(llm, request) if purse else NOTHING, NOTHING
        if purse:
            await purse.reserve(most)
        try:
            reply = await self._dispatcher.send(
                llm,
                lambda client: llm.send(client, request, seed),
                lambda reply: reply.completion.usage,
                flight,
                characters=_characters(request),
                most_output=llm.generation_kwargs.max_new_tokens,
            )
            completion = priced(llm, reply.completion)
            used = amount_of(llm, completion.usage)
            stored = await self.store.put(key, completion, replace(charged, amount=used))
            assert isinstance(stored, Completion)
            return stored
        finally:
            if purse:
                purse.settle(most, used)


def _characters(request: ChatRequest) -> int:
    return sum(len(text_content(message)) for message in request.messages)


def answer_key(llm: LLM, request: ChatRequest, sample: Sample) -> str:
    """Name an answer by the content of its request and whose sample it is."""
    return digest([llm.identity, *request.content, sample.owner, sample.index])


def _receipt_of(key: str, completion: Completion, *, reused: bool) -> Receipt:
    return Receipt(
        key,
        completion.model,
        completion.request_id,
        completion.usage.input_tokens,
        completion.usage.output_tokens,
        completion.cost_usd,
        reused=reused,
    )
