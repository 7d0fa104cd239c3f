"""How many requests are in flight at once: as many as the user says, or as many as are borne."""

from __future__ import annotations

import asyncio
from collections import deque

_FIRST = 16
_MOST = 256
_CUT = 0.7


class Slots:
    """Room for requests in flight, given out in the order of asking.

    Without a number from the user it is found out: the room doubles with each round of answers
    until the provider first refuses (slow start), shrinks by a cut for each episode of refusals,
    and grows by one with each round after that. It only grows while requests wait for it.
    """

    def __init__(self, fixed: int | None = None) -> None:
        self.limit = fixed or _FIRST
        self.in_flight = 0
        self._fixed = fixed is not None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._slow_start = True
        self._credit = 0.0

    async def acquire(self) -> None:
        """Wait for room and take it."""
        if self.in_flight < self.limit and not self._waiting:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give room back."""
        self.in_flight -= 1
        self._let_in()

    def grow(self) -> None:
        """Note an answer: more room, if it is wanted."""
        if self._fixed or not self._waiting or self.limit >= _MOST:
            return
        self._credit += 1.0 if self._slow_start else 1.0 / self.limit
        if self._credit >= 1:
            self._credit -= 1
            self.limit += 1
            self._let_in()

    def cut(self) -> None:
        """Note an episode of refusals: less room, counted from what was really in flight."""
        if not self._fixed:
            self._slow_start = False
            self._credit = 0.0
            self.limit = max(1, int(min(self.limit, self.in_flight) * _CUT))

    def _let_in(self) -> None:
        while self._waiting and self.in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)
