"""Bounds, single flight, and what happens to a request when its waiter leaves."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from llms import (
    Gateway,
    Sample,
)
from llms.chat import Answer
from tests.llms.conftest import RemoteModel, chat_request, openai_model, wait_until
from tests.loopback import (
    LoopbackProvider,
    Status,
)


def test_requests_in_flight_are_bounded_and_the_bound_is_used(
    provider: LoopbackProvider, gateway: Gateway, remote_model: RemoteModel
) -> None:
    provider.latency = 0.05
    llm = remote_model(provider, max_concurrent_requests=5)
    llm.generate([f"question {number}" for number in range(30)], gateway=gateway)
    assert provider.stats().most_in_flight == 5


def test_threads_share_one_bound(provider: LoopbackProvider, gateway: Gateway) -> None:
    provider.latency = 0.05
    llm = openai_model(provider, max_concurrent_requests=3)
    with ThreadPoolExecutor(6) as threads:
        chats = [[f"thread {thread} chat {chat}" for chat in range(3)] for thread in range(6)]
        answers = threads.map(lambda its_chats: llm.generate(its_chats, gateway=gateway), chats)
        assert [len(its_answers) for its_answers in answers] == [3] * 6
    assert provider.stats().most_in_flight == 3


def test_a_request_whose_waiter_left_still_counts_as_in_flight(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.3
    llm = openai_model(provider, max_concurrent_requests=2)

    async def leave_and_ask_again() -> None:
        left = [
            asyncio.create_task(gateway.complete(llm, chat_request(f"left {number}"), Sample()))
            for number in range(2)
        ]
        await asyncio.sleep(0.15)
        for waiter in left:
            waiter.cancel()
        stayed = [chat_request(f"stayed {number}") for number in range(2)]
        await asyncio.gather(*(gateway.complete(llm, request, Sample()) for request in stayed))

    gateway.run(leave_and_ask_again())
    assert provider.stats().requests == 4
    assert provider.stats().most_in_flight == 2


@pytest.mark.parametrize("limit", [1, 2, 64])
def test_the_same_request_asked_by_many_at_once_is_sent_once(
    limit: int, provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.05
    llm = openai_model(provider, max_concurrent_requests=limit)

    async def ask_together() -> list[Answer]:
        others = [chat_request(f"other {number}") for number in range(3)]
        busy = [gateway.complete(llm, request, Sample()) for request in others]
        same = [gateway.complete(llm, chat_request("hi"), Sample()) for _ in range(8)]
        return (await asyncio.gather(*busy, *same))[3:]

    answers = gateway.run(ask_together())
    assert provider.stats().duplicates == 0
    assert len({answer.completion for answer in answers}) == 1
    assert [answer.reused for answer in answers].count(False) == 1


def test_threads_that_ask_the_same_pay_once(provider: LoopbackProvider, gateway: Gateway) -> None:
    provider.latency = 0.02
    llm = openai_model(provider, max_concurrent_requests=2)
    chats = [f"question {number}" for number in range(10)]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: llm.generate(chats, gateway=gateway), range(8)))
    assert all(each == answers[0] for each in answers)
    assert provider.stats().requests == 10


def test_whoever_waits_for_a_request_in_flight_gets_its_retries_too(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.05
    provider.fail_with([Status(503)])
    llm = openai_model(provider)

    async def ask_together() -> list[Answer]:
        return await asyncio.gather(
            *(gateway.complete(llm, chat_request("hi"), Sample()) for _ in range(4))
        )

    assert len({answer.completion for answer in gateway.run(ask_together())}) == 1
    assert provider.stats().requests == 2


def test_a_request_that_was_sent_is_stored_though_its_waiter_left(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.3
    llm = openai_model(provider)

    async def leave() -> None:
        async with asyncio.timeout(0.15):
            await gateway.complete(llm, chat_request("hi"), Sample())

    with pytest.raises(TimeoutError):
        gateway.run(leave())
    assert provider.stats().in_flight == 1
    gateway.interrupt()
    assert gateway.store.count() == 1
    llm.generate(["hi"], gateway=gateway)
    assert provider.stats().requests == 1


def test_a_request_that_waits_for_its_turn_is_not_sent_when_its_waiter_leaves(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.2
    llm = openai_model(provider, max_concurrent_requests=1)

    async def leave() -> None:
        first = asyncio.create_task(gateway.complete(llm, chat_request("first"), Sample()))
        second = asyncio.create_task(gateway.complete(llm, chat_request("second"), Sample()))
        await asyncio.sleep(0.1)
        second.cancel()
        await first
        await asyncio.sleep(0.1)

    gateway.run(leave())
    assert provider.stats().requests == 1


def test_a_request_with_two_waiters_goes_on_when_one_leaves(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.1
    llm = openai_model(provider, max_concurrent_requests=1)

    async def leave() -> list[Answer]:
        busy = asyncio.create_task(gateway.complete(llm, chat_request("busy"), Sample()))
        first = asyncio.create_task(gateway.complete(llm, chat_request("hi"), Sample()))
        second = asyncio.create_task(gateway.complete(llm, chat_request("hi"), Sample()))
        await asyncio.sleep(0.05)
        first.cancel()
        return [await busy, await second]

    assert gateway.run(leave())[1].completion.text.endswith("to: hi")
    assert provider.stats().requests == 2


def test_an_interrupt_ends_every_wait_and_keeps_what_was_sent(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.latency = 0.3
    llm = openai_model(provider, max_concurrent_requests=2)
    with ThreadPoolExecutor(2) as threads:
        waits = [
            threads.submit(
                llm.generate, [f"{name} {number}" for number in range(5)], gateway=gateway
            )
            for name in ("one", "two")
        ]
        wait_until(lambda: provider.stats().in_flight == 2)
        gateway.interrupt()
        for wait in waits:
            with pytest.raises(CancelledError):
                wait.result(timeout=10)
    assert provider.stats().requests == gateway.store.count() == 2
