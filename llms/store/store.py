"""The completion store: every answer that was paid for, and the books of what was paid.

SQLite or PostgreSQL, spoken to directly. The caching packages do not fit: diskcache and sqlitedict
pickle what is no string or bytes, commit one entry at a time or when told to,
and the first drops entries by size, while an answer must be plain data, durable before it is used,
cheap to commit by the thousand and booked in the same transaction. SQLAlchemy Core would add its
own work to every statement (three times the cost of a read) and still leave locks, upserts and
upkeep to be written for each engine.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from llms.errors import ConfigurationError, MissingPackageError, StillhouseError
from llms.spending import Amount, Booking, Limit
from llms.store import answers, jobs, ledger, upkeep
from llms.store.answers import ArchivedAnswer, Stored
from llms.store.commits import Arrival, Commits
from llms.store.database import Connection, Database
from llms.store.jobs import BatchJob
from llms.store.reads import Reads
from llms.store.sqlite import Sqlite
from llms.store.upkeep import Pruned, StoreTotals

T = TypeVar("T")

_KEYS_AT_ONCE = 200
_RESTORED_AT_ONCE = 5_000
_UNBOOKED = Booking()


class CompletionStore:
    """Durable, content-addressed answers and a ledger: an SQLite file, or a `postgresql://` URL.

    Several processes may use one store, with PostgreSQL on several machines. Where two of them
    store an answer under one key, the first one stays and both use it. `name` is the path or the
    URL without its password. `clock` returns seconds since 1970; machines that share a store
    should agree on them within a minute.
    """

    def __init__(self, url: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._database = _database(url)
        self.name = self._database.name
        self._clock = clock
        self._closed = False
        with self._translated():
            self._database.prepare()
            self._reads = Reads(self._database)
            self._commits = Commits(self._database, clock)

    def __repr__(self) -> str:
        return f"CompletionStore({self.name!r})"

    async def get(self, key: str, *, counted: bool = True) -> Stored | None:
        """Return the answer stored under a key, or None; it is a hit of the answer if `counted`."""
        with self._translated():
            value = await self._reads.find(key)
        if value is not None and counted:
            self._commits.count_hit(key)
        return value

    async def get_many(self, keys: Sequence[str], *, counted: bool = True) -> dict[str, Stored]:
        """Return those of the answers under some keys that are there, as hits if `counted`."""
        found: dict[str, Stored] = {}
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            some = list(dict.fromkeys(keys[start : start + _KEYS_AT_ONCE]))
            found |= await self._ask(partial(answers.find, keys=some))
            await asyncio.sleep(0)
        for key in found if counted else ():
            self._commits.count_hit(key)
        return found

    async def put(
        self, key: str, value: Stored, booking: Booking = _UNBOOKED, *, once: bool = False
    ) -> Stored:
        """Store an answer, book what it cost, and return the stored one once both are durable.

        It is booked although another answer was there first: it was paid. With `once` it is not:
        the same answer may have been fetched before. What the holder of the booking has reserved
        on its accounts becomes less by as much.

        Raises:
            StoreError: it could not be written, for example because the disk is full; then
                nothing is booked either.
        """
        committed: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self._commits.add(Arrival(key, value, answers.pack(value), booking, committed, once))
        return await committed

    async def spent(self, account: str) -> Amount:
        """Return what was booked to an account, ever."""
        return await self._ask(lambda connection: ledger.spent(connection, account))

    async def reserved(self, account: str, *, jobs: bool = False) -> Amount:
        """Return what processes that live have reserved on an account, and with `jobs` what batch
        jobs have.
        """

        def question(connection: Connection) -> Amount:
            return ledger.reserved(connection, account, self._clock(), jobs=jobs)

        return await self._ask(question)

    async def reserve(self, account: str, holder: str, amount: Amount, limit: Limit) -> bool:
        """Add an amount to what a holder has reserved, if that keeps an account within a limit.

        What is booked counts, and what batch jobs and processes that live have reserved. A holder
        is named by `this_process()`, and must `renew` every minute.
        """

        def work(connection: Connection) -> bool:
            return ledger.reserve(connection, account, holder, amount, limit, self._clock())

        return await self._change(work)

    async def renew(self, holder: str) -> None:
        """Keep a holder's reservations for two more minutes."""
        await self._change(lambda connection: ledger.renew(connection, holder, self._clock()))

    async def release(self, holder: str, account: str | None = None) -> None:
        """Drop what a holder has reserved, on one account or on all."""
        await self._change(lambda connection: ledger.release(connection, holder, account))

    async def close_account(self, account: str, name: str) -> None:
        """Keep what was booked to an account under another name; the account begins anew."""
        await self._change(lambda connection: ledger.close(connection, account, name))

    async def save_job(self, job: BatchJob, *, reserved_by: str = "") -> None:
        """Store a batch job in place of the one with its token; durable when this returns.

        What its booking's amount says moves from what a process has reserved to what the booking's
        holder has: it lasts for as long as the job.
        """

        def work(connection: Connection) -> None:
            jobs.save(connection, job)
            if reserved_by:
                ledger.pass_on(connection, reserved_by, job.booking, self._clock())

        await self._change(work)

    async def jobs(self, account: str) -> list[BatchJob]:
        """Return the batch jobs of an account, oldest first."""
        return await self._ask(lambda connection: jobs.of_account(connection, account))

    async def remove_job(self, token: str) -> None:
        """Forget a batch job, and what is reserved for it."""

        def work(connection: Connection) -> None:
            for holder in jobs.remove(connection, token):
                ledger.release(connection, holder)

        await self._change(work)

    def count(self) -> int:
        """Return the number of stored answers."""
        with self._connected() as connection:
            [(number,)] = connection.execute("SELECT count(*) FROM completions")
        return int(number)

    def archive(self, keys: Sequence[str]) -> Iterator[ArchivedAnswer]:
        """Yield the answers under some keys, as far as they are there, to be kept elsewhere."""
        with self._connected() as connection:
            yield from answers.archive(connection, keys)

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that have no answer."""
        with self._connected() as connection:
            there = answers.known(connection, keys)
        return [key for key in keys if key not in there]

    def restore(self, kept: Iterable[ArchivedAnswer]) -> int:
        """Take in answers of `archive`; return how many were not there. Nothing is booked."""
        restored, rest = 0, iter(kept)
        with self._connected() as connection:
            while some := list(islice(rest, _RESTORED_AT_ONCE)):
                restored += connection.transact(
                    partial(answers.restore, connection, some, self._clock())
                )
        return restored

    def totals(self) -> StoreTotals:
        """Add up answers, hits and money, for each model."""
        with self._connected() as connection:
            return upkeep.totals(self._database, connection)

    def spending(self, prefix: str = "") -> dict[str, Amount]:
        """Return what was booked to every account whose name starts so."""
        with self._connected() as connection:
            return ledger.spending(connection, prefix)

    def prune(
        self,
        older_than_seconds: float | None = None,
        pipeline: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Pruned:
        """Remove answers that were not used for some time, those of a pipeline, or both of it.

        The books keep what was paid for them. With `dry_run` nothing is removed.

        Raises:
            ConfigurationError: neither was given.
            StoreError: another process keeps the store locked.
        """
        since = None if older_than_seconds is None else self._clock() - older_than_seconds
        with self._translated():
            return upkeep.prune(self._database, since, pipeline, dry_run)

    def close(self) -> None:
        """Commit what has arrived and release the database; a second call does nothing."""
        if not self._closed:
            self._closed = True
            self._commits.close()
            self._reads.close()

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        with self._translated():
            return await self._reads.ask(question)

    async def _change(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.wrap_future(self._commits.change(work))

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """Open a connection for the calling thread, which may take its time."""
        with self._translated(), closing(self._database.connect()) as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn whatever the database raises into one sentence."""
        if self._closed:
            raise self._database.closed()
        try:
            yield
        except StillhouseError:
            raise
        except Exception as error:
            raise self._database.unusable(error) from error


def _database(url: Path | str) -> Database:
    scheme, separator, _ = str(url).partition("://")
    if isinstance(url, Path) or not separator:
        return Sqlite(Path(url))
    if scheme not in ("postgresql", "postgres"):
        raise ConfigurationError(
            f"A completion store is a file or a 'postgresql://' URL; {scheme + '://'!r} is neither."
        )
    try:
        from llms.store.postgres import Postgres
    except ImportError as error:
        raise MissingPackageError(
            "A completion store in PostgreSQL needs a package: pip install 'psycopg[binary]'"
        ) from error
    return Postgres(str(url))
