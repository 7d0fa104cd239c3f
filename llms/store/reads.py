"""Reading without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from llms.store import answers
from llms.store.answers import Stored
from llms.store.database import Connection, Database

T = TypeVar("T")


class _Asked:
    """The keys that coroutines ask for within one turn of an event loop."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.found: asyncio.Task[dict[str, Stored]]


class Reads:
    """Asks a local database at once, and another in a thread, many keys with one query."""

    def __init__(self, database: Database) -> None:
        self._connection = database.connect()
        self._thread = (
            None if database.local else ThreadPoolExecutor(1, thread_name_prefix="store-reads")
        )
        self._asked: dict[asyncio.AbstractEventLoop, _Asked] = {}

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Return what a question finds on the connection."""
        if self._thread is None:
            return question(self._connection)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, question, self._connection)

    async def find(self, key: str) -> Stored | None:
        """Return the answer under a key, or None."""
        if self._thread is None:
            return answers.find_one(self._connection, key)
        loop = asyncio.get_running_loop()
        asked = self._asked.get(loop)
        if asked is None:
            asked = self._asked[loop] = _Asked()
            asked.found = loop.create_task(self._find_all(loop))
            asked.found.add_done_callback(_see_error)
        asked.keys.add(key)
        return (await asyncio.shield(asked.found)).get(key)

    def close(self) -> None:
        """Wait for the query under way and release the connection."""
        if self._thread is not None:
            self._thread.shutdown()
        self._connection.close()

    async def _find_all(self, loop: asyncio.AbstractEventLoop) -> dict[str, Stored]:
        keys = list(self._asked.pop(loop).keys)
        return await self.ask(lambda connection: answers.find(connection, keys))


def _see_error(task: asyncio.Task[dict[str, Stored]]) -> None:
    """Take note of an error for the case that all who asked were cancelled."""
    if not task.cancelled():
        task.exception()
