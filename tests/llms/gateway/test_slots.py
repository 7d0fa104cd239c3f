"""How many requests are in flight at once."""

from __future__ import annotations

import asyncio

from llms.gateway.slots import Slots


async def _busy(slots: Slots, waiting: int) -> list[asyncio.Task[None]]:
    """Take all room and let more wait."""
    while slots.in_flight < slots.limit:
        await slots.acquire()
    tasks = [asyncio.create_task(slots.acquire()) for _ in range(waiting)]
    await asyncio.sleep(0)
    return tasks


def _answer(slots: Slots, number: int) -> None:
    for _ in range(number):
        slots.grow()
        slots.release()


async def _settled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_room_doubles_with_each_round_of_answers_until_the_first_refusal() -> None:
    async def scenario() -> list[int]:
        slots = Slots()
        tasks = await _busy(slots, waiting=500)
        limits = [slots.limit]
        for _ in range(2):
            _answer(slots, slots.limit)
            await asyncio.sleep(0)
            limits.append(slots.limit)
        await _settled(tasks)
        return limits

    first, second, third = asyncio.run(scenario())
    assert (second, third) == (2 * first, 4 * first)


def test_after_a_refusal_room_shrinks_once_and_then_grows_by_one_a_round() -> None:
    async def scenario() -> tuple[int, int, int]:
        slots = Slots()
        tasks = await _busy(slots, waiting=500)
        before = slots.limit
        slots.cut()
        cut = slots.limit
        _answer(slots, before)
        await asyncio.sleep(0)
        _answer(slots, cut)
        grown = slots.limit
        await _settled(tasks)
        return before, cut, grown

    before, cut, grown = asyncio.run(scenario())
    assert cut == int(before * 0.7)
    assert cut + 1 <= grown <= cut + 3


def test_room_that_nobody_waits_for_does_not_grow() -> None:
    async def scenario() -> tuple[int, int]:
        slots = Slots()
        first = slots.limit
        for _ in range(100):
            await slots.acquire()
            _answer(slots, 1)
        return first, slots.limit

    first, last = asyncio.run(scenario())
    assert first == last


def test_the_users_number_is_neither_cut_nor_grown() -> None:
    async def scenario() -> int:
        slots = Slots(7)
        tasks = await _busy(slots, waiting=50)
        slots.cut()
        _answer(slots, 20)
        await _settled(tasks)
        return slots.limit

    assert asyncio.run(scenario()) == 7


def test_room_is_given_out_in_the_order_of_asking_and_not_lost_by_those_who_leave() -> None:
    async def scenario() -> list[int]:
        slots = Slots(1)
        served: list[int] = []

        async def work(number: int) -> None:
            await slots.acquire()
            served.append(number)
            await asyncio.sleep(0)
            slots.release()

        tasks = [asyncio.create_task(work(number)) for number in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return served

    assert asyncio.run(scenario()) == [0, 1, 3, 4]
