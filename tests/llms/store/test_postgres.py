"""A store in PostgreSQL: lost connections, passwords, and many keys in one query."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest

from llms import CompletionStore
from llms.errors import ConfigurationError, StoreError
from llms.spending import Amount, Booking
from llms.store.database import PATIENCE
from llms.store.postgres import Postgres, PostgresConnection
from llms.store.reads import Reads
from tests.llms.conftest import run_python
from tests.llms.store.conftest import answer, get, put_all, run_sql, wait_for
from tests.postgres import PASSWORD

_CHARGE = Booking(("run/1",), amount=Amount(requests=1))


def _all_that_is_shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


def test_the_name_of_a_store_has_no_password(postgres_url: str) -> None:
    with closing(CompletionStore(postgres_url)) as store:
        assert store.name == postgres_url.replace(f":{PASSWORD}", "")
        assert PASSWORD not in repr(store)


@pytest.mark.parametrize(
    ("part", "wrong"),
    [
        pytest.param("writer:", "nobody:", id="no such user"),
        pytest.param("/test_", "/missing_", id="no such database"),
        pytest.param("@127.0.0.1:", "@127.0.0.1:1", id="no server"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence_without_the_password(
    postgres_url: str, part: str, wrong: str
) -> None:
    with pytest.raises(StoreError) as caught:
        CompletionStore(postgres_url.replace(part, wrong))
    assert str(caught.value).startswith("The completion store 'postgresql://")
    assert "check that the server is up" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert PASSWORD not in _all_that_is_shown(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:plan/ted@host/answers",
        "postgresql://user:plan@ted@host/answers",
        "postgresql://user:plan?ted@host/answers",
        "postgresql://user:plan#ted@host/answers",
        "postgresql://user:plan%ted@host/answers",
        "postgresql://user:planted",
        "postgresql://user:[planted@host/answers",
        "postgresql://user@host/answers?pasword=planted",
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown_in_part(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CompletionStore(url)
    shown = _all_that_is_shown(caught.value)
    assert "plan" not in shown
    assert "ted@" not in shown


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from llms import CompletionStore\n"
        "from llms.errors import MissingPackageError\n"
        "try: CompletionStore('postgresql://user:planted@localhost/answers')\n"
        "except MissingPackageError as error: print(error)"
    )
    assert run_python(script).endswith("pip install 'psycopg[binary]'")


def test_tables_of_another_version_are_refused(postgres_url: str) -> None:
    CompletionStore(postgres_url).close()
    run_sql(postgres_url, "UPDATE layout SET number = 7")
    with pytest.raises(StoreError, match=r"its layout is 7, this version reads 1\); update"):
        CompletionStore(postgres_url)


def test_a_user_who_may_not_write_gets_a_sentence_and_no_booking(postgres_url: str) -> None:
    CompletionStore(postgres_url).close()
    read_only = postgres_url + "?options=-c%20default_transaction_read_only%3Don"
    with closing(CompletionStore(read_only)) as store:
        with pytest.raises(StoreError, match="lets this user write"):
            put_all(store, {"a": answer("a")}, _CHARGE)
        assert get(store, "a") is None
        assert wait_for(store.spent("run/1")) == Amount()


def test_connections_that_the_server_dropped_are_opened_again(postgres_url: str) -> None:
    with closing(CompletionStore(postgres_url)) as store:
        for key in ("a", "b"):
            put_all(store, {key: answer(key)}, _CHARGE)
            assert get(store, key) == answer(key)
            dropped = run_sql(
                postgres_url,
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            assert dropped == [(True,), (True,)]
        put_all(store, {"c": answer("c")}, _CHARGE)
        assert wait_for(store.get_many(["a", "b", "c"])).keys() == {"a", "b", "c"}
        assert wait_for(store.spent("run/1")) == Amount(requests=3)


def test_answers_are_durable_though_the_server_would_not_wait_for_its_disk(
    postgres_url: str,
) -> None:
    relaxed = postgres_url + "?options=-c%20synchronous_commit%3Doff"
    with closing(Postgres(relaxed).connect()) as connection:
        assert connection.execute("SHOW synchronous_commit") == [("on",)]


class _CountingConnection(PostgresConnection):
    """Counts its queries."""

    queries = 0

    def execute(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self.queries += 1
        return super().execute(sql, values)


class _CountedPostgres(Postgres):
    """Opens one connection, which counts."""

    connection: _CountingConnection

    def connect(self, patience: float = PATIENCE) -> PostgresConnection:
        self.connection = _CountingConnection(self._parameters, patience)
        return self.connection


def test_the_keys_asked_for_within_one_turn_of_the_loop_are_one_query(postgres_url: str) -> None:
    with closing(CompletionStore(postgres_url)) as store:
        put_all(store, {"1": answer("one")})
    database = _CountedPostgres(postgres_url)
    with closing(Reads(database)) as reads:

        async def ask() -> list[Any]:
            return await asyncio.gather(*(reads.find(str(number)) for number in range(100)))

        found = wait_for(ask())
        assert database.connection.queries == 1
        assert [number for number, value in enumerate(found) if value] == [1]
        wait_for(ask())
        assert database.connection.queries == 2


def test_the_loop_runs_on_while_the_server_makes_it_wait(postgres_url: str) -> None:
    with closing(CompletionStore(postgres_url)) as store:
        put_all(store, {"a": answer("a")})
        turns = 0

        async def ask() -> object:
            nonlocal turns
            asking = asyncio.create_task(store.get("a"))
            while not asking.done():
                turns += 1
                await asyncio.sleep(0)
            return await asking

        assert wait_for(ask()) == answer("a")
        assert turns > 2
