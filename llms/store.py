"""The completion store: every answer that was paid for, by the content of its request.

SQLite through the standard library, and not one of the caching packages: those pickle their values,
commit one entry at a time or drop entries by size, while an answer must be plain data, durable
before it is used, and cheap to commit by the thousand. A thread gathers the answers that arrive
within a few milliseconds into one transaction; write-ahead logging lets other processes read and
write at the same time.
"""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llms.chat import Completion
from llms.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    key TEXT PRIMARY KEY,
    completion BLOB NOT NULL,
    created REAL NOT NULL
) WITHOUT ROWID
"""
_GATHER_SECONDS = 0.01
_BUSY_SECONDS = 60.0
_UNUSABLE = (sqlite3.Error, zlib.error, ValueError, LookupError, TypeError)


@dataclass(frozen=True, slots=True)
class _Arrival:
    key: str
    completion: Completion
    packed: bytes
    committed: asyncio.Future[Completion]


class CompletionStore:
    """Durable, content-addressed answers in one SQLite file.

    Several processes of one machine may use the same file. Where two of them store an answer under
    one key, the first one stays and both use it.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._reader = self._connect()
            self._prepare()
            self._write_connection = self._connect()
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from error
        self._closed = False
        self._arrivals: queue.SimpleQueue[_Arrival | None] = queue.SimpleQueue()
        self._writer = threading.Thread(
            target=self._write_until_closed, name="completion-store", daemon=True
        )
        self._writer.start()

    def get(self, key: str) -> Completion | None:
        """Return the answer stored under a key, or None."""
        try:
            row = self._reader.execute(
                "SELECT completion FROM completions WHERE key = ?", (key,)
            ).fetchone()
            return None if row is None else _unpack(row[0])
        except _UNUSABLE as error:
            raise self._unusable(error) from error

    async def put(self, key: str, completion: Completion) -> Completion:
        """Store an answer and return the stored one once it is on disk.

        Raises:
            StoreError: it could not be written, for example because the disk is full.
        """
        if self._closed:
            raise self._unusable(sqlite3.ProgrammingError("it is closed"))
        committed: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._arrivals.put(_Arrival(key, completion, _pack(completion), committed))
        return await committed

    def count(self) -> int:
        """Return the number of stored answers."""
        try:
            (number,) = self._reader.execute("SELECT count(*) FROM completions").fetchone()
        except sqlite3.Error as error:
            raise self._unusable(error) from error
        return int(number)

    def close(self) -> None:
        """Commit what has arrived and release the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._arrivals.put(None)
        self._writer.join()
        self._reader.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        """Switch to write-ahead logging and make the table.

        SQLite does not wait for another process that does the same at this moment.
        """
        deadline = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._reader.execute("PRAGMA journal_mode=WAL")
                self._reader.execute(_SCHEMA)
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _write_until_closed(self) -> None:
        connection = self._write_connection
        closing = False
        while not closing:
            batch = [self._arrivals.get()]
            time.sleep(_GATHER_SECONDS)
            while not self._arrivals.empty():
                batch.append(self._arrivals.get())
            closing = None in batch
            self._commit(connection, [arrival for arrival in batch if arrival is not None])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, arrivals: list[_Arrival]) -> None:
        if not arrivals:
            return
        now = time.time()
        stored: list[Completion] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for arrival in arrivals:
                inserted = connection.execute(
                    "INSERT OR IGNORE INTO completions VALUES (?, ?, ?)",
                    (arrival.key, arrival.packed, now),
                ).rowcount
                stored.append(arrival.completion if inserted else _fetch(connection, arrival.key))
            connection.execute("COMMIT")
        except _UNUSABLE as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            _settle(arrivals, self._unusable(error))
        else:
            _settle(arrivals, stored)

    def _unusable(self, error: Exception) -> StoreError:
        return StoreError(
            f"The completion store {str(self.path)!r} cannot be used ({error}); free the disk or "
            f"mend the file's permissions and run again: answers stored so far are kept."
        )


def _settle(arrivals: list[_Arrival], outcome: list[Completion] | StoreError) -> None:
    """Answer the waiting coroutines, with one wake-up of each event loop."""

    def answer(waiting: list[tuple[asyncio.Future[Completion], Completion | StoreError]]) -> None:
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
        if not loop.is_closed():
            loop.call_soon_threadsafe(answer, waiting)


def _fetch(connection: sqlite3.Connection, key: str) -> Completion:
    (packed,) = connection.execute(
        "SELECT completion FROM completions WHERE key = ?", (key,)
    ).fetchone()
    return _unpack(packed)


def _pack(completion: Completion) -> bytes:
    text = json.dumps(completion.as_json(), ensure_ascii=False)
    return zlib.compress(text.encode(errors="surrogatepass"), 1)


def _unpack(packed: bytes) -> Completion:
    return Completion.from_json(json.loads(zlib.decompress(packed)))
