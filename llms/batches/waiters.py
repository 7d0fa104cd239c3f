"""Who waits for which answer, and what came while nobody did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llms.chat import Completion


@dataclass(frozen=True, slots=True)
class _Waiter:
    answer: asyncio.Future[Completion]
    look_every: float | None


class Waiters:
    """Hands answers and failures to those who wait for them, by the key of the answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiter] = {}
        self._unclaimed: dict[str, Exception | None] = {}

    @contextmanager
    def waiting(self, key: str, look_every: float | None) -> Iterator[asyncio.Future[Completion]]:
        """Wait for an answer inside a block; `look_every` is None for who cannot wait long."""
        waiter = _Waiter(asyncio.get_running_loop().create_future(), look_every)
        self._waiting[key] = waiter
        try:
            yield waiter.answer
        finally:
            if self._waiting.get(key) is waiter:
                del self._waiting[key]

    def answer(self, key: str, completion: Completion) -> None:
        """Hand out an answer."""
        if waiter := self._released(key):
            waiter.answer.set_result(completion)
        else:
            self._unclaimed[key] = None

    def refuse(self, key: str, error: Exception) -> None:
        """Hand out a refusal; who asks later is told, too."""
        if waiter := self._released(key):
            waiter.answer.set_exception(error)
        else:
            self._unclaimed[key] = error

    def fail(self, keys: Iterable[str], error_for: Callable[[str], Exception]) -> None:
        """Tell those who wait now that no answer came."""
        for key in keys:
            if waiter := self._released(key):
                waiter.answer.set_exception(error_for(key))

    def claim(self, key: str) -> bool:
        """Tell, once, whether an answer came while nobody waited for it.

        Raises:
            LLMError: it was a refusal.
        """
        if key not in self._unclaimed:
            return False
        if (error := self._unclaimed.pop(key)) is not None:
            raise error
        return True

    def hurried(self, keys: Iterable[str]) -> list[str]:
        """Return those of some keys whose answers are waited for only if they are there soon."""
        return [key for key, waiter in self._among(keys) if waiter.look_every is None]

    def shortest_look(self, keys: Iterable[str]) -> float | None:
        """Return when who waits for one of some answers wants the next look; None for nobody."""
        wished = [waiter.look_every for _, waiter in self._among(keys)]
        return min((seconds for seconds in wished if seconds is not None), default=None)

    def _among(self, keys: Iterable[str]) -> Iterator[tuple[str, _Waiter]]:
        for key in keys:
            if waiter := self._waiting.get(key):
                yield key, waiter

    def _released(self, key: str) -> _Waiter | None:
        waiter = self._waiting.pop(key, None)
        return waiter if waiter and not waiter.answer.done() else None
