"""A store in one SQLite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from llms.store.database import PATIENCE, Connection, Database, Row
from llms.store.layout import LAYOUT, TABLES

T = TypeVar("T")

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PAGES_AT_ONCE = 1000


class Sqlite(Database):
    """A file in write-ahead logging, which lets processes read while one writes."""

    local = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def prepare(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + PATIENCE
        connection = self.connect()
        try:
            while not self._is_prepared(connection, deadline):
                time.sleep(0.02)
        finally:
            connection.close()

    def connect(self, patience: float = PATIENCE) -> SqliteConnection:
        return SqliteConnection(self.path, patience)

    def size(self, connection: Connection) -> int:
        log = self.path.with_name(f"{self.path.name}-wal")
        return sum(file.stat().st_size for file in (self.path, log) if file.exists())

    def free_space(self, connection: Connection) -> None:
        """Give free pages back to the file system, some at a time.

        A whole VACUUM would keep other processes from storing answers for minutes.
        """
        left = None
        while (free := connection.execute("PRAGMA freelist_count")[0][0]) and free != left:
            left = free
            connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def is_busy(self, error: Exception) -> bool:
        return _code(error) == sqlite3.SQLITE_BUSY

    def advice(self, error: Exception) -> str:
        if self.is_busy(error):
            return "another process holds it, wait for that one and run again"
        if _code(error) in _DAMAGED or not isinstance(error, (sqlite3.Error, OSError)):
            return "move the damaged file away, then put a copy in its place or start a new one"
        return (
            "free the disk or mend the file's permissions and run again: answers stored so far are "
            "kept"
        )

    def _is_prepared(self, connection: SqliteConnection, deadline: float) -> bool:
        """Switch to write-ahead logging and make the tables.

        SQLite does not wait for another process that does the same at this moment.
        """
        try:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            if self._layout(connection) != LAYOUT:
                connection.transact(lambda: self._make_tables(connection))
        except sqlite3.OperationalError as error:
            if not self.is_busy(error) or time.monotonic() > deadline:
                raise
            return False
        return True

    def _make_tables(self, connection: SqliteConnection) -> None:
        found = self._layout(connection)
        if found == LAYOUT:
            return
        if found or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1"):
            raise self.of_another_layout(found or "unknown", LAYOUT)
        for table in TABLES:
            connection.execute(table.format(bytes="BLOB"))
        connection.execute(f"PRAGMA user_version={LAYOUT}")

    def _layout(self, connection: SqliteConnection) -> int:
        return int(connection.execute("PRAGMA user_version")[0][0])


class SqliteConnection(Connection):
    """A connection whose commits are on disk when they return."""

    def __init__(self, path: Path, patience: float) -> None:
        self._connection = sqlite3.connect(
            path, timeout=patience, isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA synchronous=FULL")

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def transact(self, work: Callable[[], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result

    def close(self) -> None:
        self._connection.close()


def _code(error: Exception) -> int:
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
