"""The thread that writes: what arrives within a few milliseconds becomes one transaction."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from llms.errors import StoreError
from llms.spending import Booking
from llms.store import answers, ledger
from llms.store.answers import Stored
from llms.store.database import Connection, Database

T = TypeVar("T")

_GATHER_SECONDS = 0.01
_HITS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """An answer that waits to be committed; with `once` it is booked only if it is new."""

    key: str
    value: Stored
    packed: bytes
    booking: Booking
    committed: asyncio.Future[Stored]
    once: bool = False


@dataclass(frozen=True, slots=True)
class _Change(Generic[T]):
    """Something else to be written, in a transaction of its own."""

    work: Callable[[Connection], T]
    done: Future[T]


class Commits:
    """Commits answers by the batch, and hits with them or about once a second."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._connection = database.connect()
        self._handing = threading.Lock()
        self._closed = False
        self._queue: queue.SimpleQueue[Arrival | _Change[Any] | None] = queue.SimpleQueue()
        self._hits: deque[str] = deque()
        self._thread = threading.Thread(target=self._run, name="completion-store", daemon=True)
        self._thread.start()

    def add(self, arrival: Arrival) -> None:
        """Commit an answer soon."""
        self._hand(arrival)

    def change(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run `work` in a transaction soon; the future has its result once that is durable."""
        done: Future[T] = Future()
        self._hand(_Change(work, done))
        return done

    def count_hit(self, key: str) -> None:
        """Note that an answer was found again."""
        self._hits.append(key)

    def close(self) -> None:
        """Commit what has arrived and end the thread; a second call does nothing."""
        with self._handing:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _hand(self, item: Arrival | _Change[Any]) -> None:
        with self._handing:
            if self._closed:
                raise self._database.closed()
            self._queue.put(item)

    def _run(self) -> None:
        closing = False
        while not closing:
            batch = self._gather()
            closing = None in batch
            self._commit([item for item in batch if isinstance(item, Arrival)])
            for item in batch:
                if isinstance(item, _Change):
                    self._apply(item)
        self._connection.close()

    def _gather(self) -> list[Arrival | _Change[Any] | None]:
        try:
            batch = [self._queue.get(timeout=_HITS_SECONDS)]
        except queue.Empty:
            return []
        time.sleep(_GATHER_SECONDS)
        while not self._queue.empty():
            batch.append(self._queue.get())
        return batch

    def _commit(self, arrivals: list[Arrival]) -> None:
        hits = Counter(self._hits.popleft() for _ in range(len(self._hits)))
        if not arrivals and not hits:
            return
        outcome: Sequence[Stored] | StoreError
        try:
            outcome = self._connection.transact(lambda: self._write(arrivals, hits))
        except Exception as error:
            # Whatever it was, nobody may wait for ever. Hits are statistics: these are lost.
            outcome = self._database.unusable(error)
        _settle(arrivals, outcome)

    def _write(self, arrivals: list[Arrival], hits: dict[str, int]) -> list[Stored]:
        """Write a batch and return, for each arrival, the answer that is stored."""
        now = self._clock()
        stored: dict[str, Stored] = {}
        rows = []
        for arrival in arrivals:
            if arrival.key not in stored:
                stored[arrival.key] = arrival.value
                pipeline = arrival.booking.pipeline
                rows.append(answers.row(arrival.key, arrival.value, arrival.packed, pipeline, now))
        inserted = answers.insert(self._connection, rows)
        stored |= answers.find(self._connection, [key for key in stored if key not in inserted])
        answers.count_hits(self._connection, hits, now)
        new = set(inserted)
        ledger.book(
            self._connection,
            [one.booking for one in arrivals if one.key in new or not one.once],
        )
        return [stored[arrival.key] for arrival in arrivals]

    def _apply(self, change: _Change[Any]) -> None:
        if not change.done.set_running_or_notify_cancel():
            return
        try:
            result = self._connection.transact(lambda: change.work(self._connection))
        except Exception as error:
            change.done.set_exception(self._database.unusable(error))
        else:
            change.done.set_result(result)


def _settle(arrivals: list[Arrival], outcome: Sequence[Stored] | StoreError) -> None:
    """Answer the waiting coroutines, with one wake-up of each event loop."""

    def answer(waiting: list[tuple[asyncio.Future[Stored], Stored | StoreError]]) -> None:
        for future, result in waiting:
            if future.done():
                continue
            if isinstance(result, StoreError):
                future.set_exception(result)
            else:
                future.set_result(result)

    loops: dict[asyncio.AbstractEventLoop, list[Any]] = {}
    for index, arrival in enumerate(arrivals):
        result = outcome if isinstance(outcome, StoreError) else outcome[index]
        loops.setdefault(arrival.committed.get_loop(), []).append((arrival.committed, result))
    for loop, waiting in loops.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(answer, waiting)
