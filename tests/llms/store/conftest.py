"""Every test of the store runs on a file and on a real PostgreSQL server."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from llms import Completion, CompletionStore, Usage
from llms.spending import Booking
from llms.store import Stored
from tests.postgres import postgres_server as postgres_server
from tests.postgres import postgres_url as postgres_url

T = TypeVar("T")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, store_path: Path) -> str:
    """Where a new store can be made."""
    if request.param == "sqlite":
        return str(store_path)
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def clock() -> Clock:
    """The clock of `store`."""
    return Clock()


@pytest.fixture
def store(store_url: str, clock: Clock) -> Iterator[CompletionStore]:
    """A new store."""
    with closing(CompletionStore(store_url, clock=clock)) as store:
        yield store


def answer(text: str, *, cost_usd: float | None = None, model: str = "m") -> Completion:
    """Return an answer of one token each way."""
    return Completion(text, Usage(1, 1), "stop", model, cost_usd=cost_usd)


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, for 20 seconds at most."""

    async def limited() -> T:
        async with asyncio.timeout(20):
            return await coroutine

    return asyncio.run(limited())


def put_all(
    store: CompletionStore, values: dict[str, Stored], booking: Booking | None = None
) -> dict[str, Stored]:
    """Put answers at once and return what is stored under their keys."""

    async def put() -> list[Stored]:
        return await asyncio.gather(
            *(store.put(key, value, booking or Booking()) for key, value in values.items())
        )

    return dict(zip(values, wait_for(put()), strict=True))


def get(store: CompletionStore, key: str) -> Stored | None:
    """Return the answer under a key."""
    return wait_for(store.get(key))


def run_sql(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements past the store; return the rows of the last one."""
    rows: list[tuple[Any, ...]] = []
    with closing(raw_connection(url)) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
            rows = cursor.fetchall() if cursor.description else []
    return rows


def raw_connection(url: str) -> Any:
    """Return a connection of the database's own package, which commits every statement."""
    if url.startswith("postgresql://"):
        return psycopg.connect(url, autocommit=True, options="-c search_path=stillhouse")
    return sqlite3.connect(url, isolation_level=None)
