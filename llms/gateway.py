"""The one road to any model: store, bounded concurrency, provider, retries, store."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, TypeVar

from llms import loop
from llms.chat import Answer, ChatRequest, ChatType, Completion, Sample
from llms.digest import digest
from llms.errors import (
    ConnectionFailed,
    ProviderRefused,
    ProviderUnreachable,
    TransientError,
)
from llms.llm import LLM, own_sample
from llms.store import CompletionStore

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Tries and waits (seconds) for transient errors: exponential with full jitter.

    A wait that the provider asks for is kept, up to `longest_wish`. A provider that has never
    answered and cannot be reached gets `first_contact` tries only.
    """

    attempts: int = 6
    first_contact: int = 3
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_wish: float = 120.0

    def wait_after(self, attempt: int, error: TransientError) -> float:
        """Return the seconds to wait after the given failed attempt, counted from 1."""
        wait = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        jittered = random.uniform(wait / 2, wait)
        if error.retry_after is None:
            return jittered
        return max(jittered, min(error.retry_after, self.longest_wish))


@dataclass(slots=True)
class _Flight:
    """A request on its way: how many wait for it, and whether the provider has it."""

    waiters: int = 1
    sent: bool = False
    started: float = field(default_factory=time.monotonic)
    task: asyncio.Task[Completion] = field(init=False)


class Gateway:
    """Answers requests, each of them paid for once.

    An answer is durable in the store before a caller sees it; a failure is never stored. Callers
    on any thread hand work over with `run`.
    """

    def __init__(self, store: CompletionStore, *, retries: RetryPolicy | None = None) -> None:
        self.store = store
        self._retries = retries or RetryPolicy()
        self._clients: dict[str, asyncio.Task[Any]] = {}
        self._owners: dict[str, LLM] = {}
        self._slots: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._flights: dict[str, _Flight] = {}
        self._running: set[asyncio.Task[Any]] = set()
        self._met: set[str] = set()
        self._refused: dict[str, tuple[float, ProviderRefused]] = {}

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
            sent = [flight.task for flight in self._flights.values() if flight.sent]
            if sent:
                await asyncio.wait(sent, timeout=patience)

        loop.run(stop())

    def generate(
        self,
        llm: LLM,
        chats: Sequence[ChatType | str],
        num_generations: int = 1,
        *,
        response_schema: Mapping[str, Any] | None = None,
    ) -> list[list[Completion]]:
        """Answer every chat `num_generations` times; see `LLM.generate`."""
        seen: dict[str, int] = {}
        requests = [
            ChatRequest(
                [{"role": "user", "content": chat}] if isinstance(chat, str) else chat,
                response_schema,
            )
            for chat in chats
        ]
        samples = [
            [own_sample("", seen, request) for _ in range(num_generations)] for request in requests
        ]

        async def answer_all() -> list[Answer]:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self.complete(llm, request, sample))
                    for request, its_samples in zip(requests, samples, strict=True)
                    for sample in its_samples
                ]
            return [task.result() for task in tasks]

        try:
            answers = [answer.completion for answer in self.run(answer_all())]
        except BaseExceptionGroup as group:
            raise first_error(group) from None
        return [
            answers[start : start + num_generations]
            for start in range(0, len(answers), num_generations)
        ]

    async def complete(self, llm: LLM, request: ChatRequest, sample: Sample) -> Answer:
        """Return the answer to a request, from the store or from the provider.

        Raises:
            LLMError: no answer came, after the retries that its type is worth.
            StoreError: the answer could not be made durable.
        """
        key = answer_key(llm, request, sample)
        if (stored := self.store.get(key)) is not None:
            return Answer(stored, reused=True)
        flight = self._flights.get(key)
        if reused := flight is not None:
            flight.waiters += 1
        else:
            flight = self._flights[key] = _Flight()
            flight.task = asyncio.create_task(self._answer(flight, llm, request, key))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        try:
            return Answer(await asyncio.shield(flight.task), reused)
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.sent:
                self._land(key, flight)
                flight.task.cancel()

    def close(self) -> None:
        """Release clients and store."""
        self.run(self._close_clients())
        self.store.close()

    async def _interruptible(self, coroutine: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            return await coroutine
        finally:
            self._running.discard(task)

    async def _answer(
        self, flight: _Flight, llm: LLM, request: ChatRequest, key: str
    ) -> Completion:
        """Send a request until its answer is stored; what was sent is stored though none waits."""
        slots = self._slots_of(llm)
        attempt = 0
        while True:
            attempt += 1
            try:
                async with slots:
                    self._raise_if_refused(llm, flight)
                    client = await self._client(llm)
                    flight.sent = True
                    completion = await llm.send(client, request, int(key[:8], 16) & 0x7FFFFFFF)
                self._met.add(llm.account)
                return await self.store.put(key, completion)
            except ProviderRefused as error:
                self._refused[llm.account] = (time.monotonic(), error)
                raise
            except TransientError as error:
                flight.sent = False
                if not isinstance(error, ConnectionFailed):
                    self._met.add(llm.account)
                if attempt >= self._retries.first_contact and llm.account not in self._met:
                    raise ProviderUnreachable(
                        f"{error} Check the address and that the server is up."
                    ) from error
                if attempt == self._retries.attempts or not flight.waiters:
                    raise
                await asyncio.sleep(self._retries.wait_after(attempt, error))

    def _raise_if_refused(self, llm: LLM, flight: _Flight) -> None:
        """Spare requests that waited for a slot while the provider refused another one."""
        when, error = self._refused.get(llm.account, (0.0, None))
        if error is not None and when > flight.started:
            raise type(error)(str(error))

    def _land(self, key: str, flight: _Flight) -> None:
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen here, for the case that nobody waits any more
        if self._flights.get(key) is flight:
            del self._flights[key]

    async def _client(self, llm: LLM) -> Any:
        opening = self._clients.get(llm.account)
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = asyncio.create_task(asyncio.to_thread(llm.connect))
            self._clients[llm.account] = opening
            self._owners[llm.account] = llm
        return await asyncio.shield(opening)

    def _slots_of(self, llm: LLM) -> asyncio.Semaphore:
        limit = llm.max_concurrent_requests
        return self._slots.setdefault((llm.account, limit), asyncio.Semaphore(limit))

    async def _close_clients(self) -> None:
        for account, opening in self._clients.items():
            if opening.done() and opening.exception() is None:
                await self._owners[account].close(opening.result())
        self._clients.clear()
        self._slots.clear()


def answer_key(llm: LLM, request: ChatRequest, sample: Sample) -> str:
    """Name an answer by the content of its request and whose sample it is."""
    return digest(
        [
            llm.identity,
            list(request.messages),
            request.response_schema,
            sample.owner,
            sample.index,
        ]
    )


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first single error inside nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
