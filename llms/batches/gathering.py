"""Gathers requests until no more come, and cuts them into jobs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from llms.batches.timing import BatchTiming
from llms.spending import Amount, Booking


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a job, as it is posted: the key of its answer, the most that it can cost, and
    the accounts that bear it.
    """

    key: str
    content: bytes
    most: Amount
    charged: Booking


class Gathering:
    """Holds lines until it is quiet, then hands them over as jobs that are not too large."""

    def __init__(self, timing: BatchTiming, submit: Callable[[list[Line]], None]) -> None:
        self._timing = timing
        self._submit = submit
        self._lines: dict[str, Line] = {}
        self._bytes = 0
        self._latest = 0.0
        self._waiting: asyncio.Task[None] | None = None

    @property
    def going_on(self) -> asyncio.Task[None] | None:
        """What ends when the lines are handed over; None if there are none."""
        return self._waiting

    def add(self, line: Line) -> None:
        """Take a line."""
        if self._bytes + len(line.content) > self._timing.bytes:
            self._hand_over()
        self._lines[line.key] = line
        self._bytes += len(line.content)
        self._latest = time.monotonic()
        if len(self._lines) >= self._timing.lines:
            self._hand_over()
        elif self._waiting is None:
            self._waiting = asyncio.create_task(self._wait_for_quiet())

    def withdraw(self, key: str) -> bool:
        """Take a line back; False if it has been handed over."""
        line = self._lines.pop(key, None)
        if line is not None:
            self._bytes -= len(line.content)
        return line is not None

    def close(self) -> None:
        """Forget the lines."""
        self._lines.clear()
        self._stop_waiting()

    async def _wait_for_quiet(self) -> None:
        until = time.monotonic() + self._timing.longest
        while True:
            wait = min(self._latest + self._timing.quiet, until) - time.monotonic()
            if wait <= 0:
                break
            await asyncio.sleep(wait)
        self._waiting = None
        self._hand_over()

    def _hand_over(self) -> None:
        """Submit the lines, those that are charged to different accounts in different jobs."""
        jobs: dict[Booking, list[Line]] = {}
        for line in self._lines.values():
            jobs.setdefault(line.charged, []).append(line)
        self._lines, self._bytes = {}, 0
        self._stop_waiting()
        for lines in jobs.values():
            self._submit(lines)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
