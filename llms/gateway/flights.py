"""Requests on their way: equal ones share one flight, and what was sent is seen to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from llms.gateway.dispatcher import Sending

T = TypeVar("T")


@dataclass(slots=True)
class Flight(Sending, Generic[T]):
    """A request on its way to an answer that is stored; `found` says that it was there already."""

    found: bool = False
    task: asyncio.Task[T] = field(init=False)


class Flights(Generic[T]):
    """The flights of this process, by the key of their answer."""

    def __init__(self) -> None:
        self._open: dict[str, Flight[T]] = {}

    async def take(
        self, key: str, fly: Callable[[Flight[T]], Coroutine[Any, Any, T]]
    ) -> tuple[T, bool]:
        """Return the answer under a key, and whether it was had without a call.

        Whoever comes while the same request is on its way shares the flight. A flight that nobody
        waits for any more is cancelled, unless the provider has its request: then its answer is
        paid for, and stored.
        """
        flight = self._open.get(key)
        if joined := flight is not None:
            flight.waiters += 1
        else:
            flight = self._open[key] = Flight()
            flight.task = asyncio.create_task(fly(flight))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        try:
            return await asyncio.shield(flight.task), joined or flight.found
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.sent:
                self._land(key, flight)
                flight.task.cancel()

    def sent(self) -> list[asyncio.Task[T]]:
        """Return the flights whose request the provider has."""
        return [flight.task for flight in self._open.values() if flight.sent]

    def _land(self, key: str, flight: Flight[T]) -> None:
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # seen here, for the case that nobody waits any more
        if self._open.get(key) is flight:
            del self._open[key]
