"""A store in a PostgreSQL database, for several machines; needs psycopg."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from llms.errors import ConfigurationError
from llms.store.database import PATIENCE, Connection, Database
from llms.store.layout import LAYOUT, TABLES

T = TypeVar("T")

_SCHEMA = "stillhouse"
_MAKING = 0x5354494C
"""Number of the advisory lock under which the tables are made."""


class Postgres(Database):
    """The schema `stillhouse` of a database, made at first use."""

    local = False

    def __init__(self, url: str) -> None:
        self._parameters = _parameters(url)
        user, host, port = (self._parameters.get(part) for part in ("user", "host", "port"))
        self.name = (
            "postgresql://"
            + (f"{user}@" if user else "")
            + (host or "")
            + (f":{port}" if port else "")
            + f"/{self._parameters.get('dbname', '')}"
        )

    def prepare(self) -> None:
        connection = self.connect()
        try:
            if not self._is_prepared(connection):
                connection.transact(lambda: self._make_tables(connection))
        finally:
            connection.close()

    def connect(self, patience: float = PATIENCE) -> PostgresConnection:
        return PostgresConnection(self._parameters, patience)

    def size(self, connection: Connection) -> int:
        [(size,)] = connection.execute(
            "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_class c"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relkind = ?",
            (_SCHEMA, "r"),
        )
        return int(size)

    def free_space(self, connection: Connection) -> None:
        connection.execute("VACUUM completions, uses")

    def is_busy(self, error: Exception) -> bool:
        return isinstance(error, psycopg.errors.LockNotAvailable)

    def advice(self, error: Exception) -> str:
        return (
            "check that the server is up, has room and lets this user write, and run again: "
            "answers stored so far are kept"
        )

    def _is_prepared(self, connection: PostgresConnection) -> bool:
        # Not with to_regclass, which may answer from before another process made the tables.
        if not connection.execute(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relname = ?",
            (_SCHEMA, "layout"),
        ):
            return False
        found = [number for (number,) in connection.execute("SELECT number FROM layout")]
        if found != [LAYOUT]:
            raise self.of_another_layout(found[0] if found else "unknown", LAYOUT)
        return True

    def _make_tables(self, connection: PostgresConnection) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(?)", (_MAKING,))
        if self._is_prepared(connection):
            return
        if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (_SCHEMA,)):
            connection.execute(f"CREATE SCHEMA {_SCHEMA}")
        for table in TABLES:
            connection.execute(table.format(bytes="BYTEA"))
        connection.execute("CREATE TABLE layout (number BIGINT NOT NULL)")
        connection.execute("INSERT INTO layout VALUES (?)", (LAYOUT,))


class PostgresConnection(Connection):
    """A connection that is opened again when the server or the network dropped it."""

    def __init__(self, parameters: dict[str, Any], patience: float) -> None:
        self._parameters = parameters
        self._patience = patience
        self._in_transaction = False
        self._connection = self._open()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._execute(sql, values)
        except psycopg.OperationalError:
            if self._in_transaction or not self._connection.closed:
                raise
            self._connection = self._open()
            return self._execute(sql, values)

    def transact(self, work: Callable[[], T]) -> T:
        self._in_transaction = True
        try:
            try:
                result = self._begin_and_do(work)
            except psycopg.OperationalError as error:
                self._make_ready_again(error)
                result = self._begin_and_do(work)
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                self._connection.rollback()
            raise
        finally:
            self._in_transaction = False
        return result

    def close(self) -> None:
        self._connection.close()

    def _begin_and_do(self, work: Callable[[], T]) -> T:
        self._connection.execute("BEGIN")
        return work()

    def _make_ready_again(self, error: psycopg.OperationalError) -> None:
        """Prepare for a second try where that may help; raise the error where not."""
        if self._connection.closed:
            self._connection = self._open()
        elif isinstance(error, psycopg.errors.DeadlockDetected):
            self._connection.rollback()
        else:
            raise error

    def _execute(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.replace("?", "%s"), values or None)
        return cursor.fetchall() if cursor.description else []

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        connection = psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)
        patience = f"{int(self._patience * 1000)}ms"
        for setting, value in (("search_path", _SCHEMA), ("lock_timeout", patience)):
            connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        return connection


def _parameters(url: str) -> dict[str, Any]:
    """Take a URL apart; one that could be misread, with a part of its password shown, is refused.

    Raises:
        ConfigurationError: it cannot be read.
    """
    unreadable = ConfigurationError(
        "The URL of the completion store cannot be read; it is written "
        "'postgresql://USER:PASSWORD@HOST:PORT/DATABASE', with the characters @ : / ? # % of a "
        "password as %40 %3A %2F %3F %23 %25."
    )
    try:
        parts = urlsplit(url)
        parameters: dict[str, Any] = dict(conninfo_to_dict(url))
    except (ValueError, psycopg.Error):
        raise unreadable from None
    if "@" in f"{parts.path}{parts.query}{parts.fragment}" or parts.netloc.count("@") > 1:
        raise unreadable
    if not re.fullmatch(r"[\d,]*", str(parameters.get("port", ""))):
        raise unreadable
    return {
        "connect_timeout": 10,
        "client_encoding": "utf8",
        "fallback_application_name": "stillhouse",
        **parameters,
    }
