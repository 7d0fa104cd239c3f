"""A store in a file: what may be wrong with the file, and what is said then."""

from __future__ import annotations

import os
import resource
import sqlite3
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from llms import CompletionStore, Gateway, ScriptedLLM
from llms.errors import ConfigurationError, StoreError
from tests.llms.conftest import run_python
from tests.llms.store.conftest import answer, get, put_all, wait_for


def _execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_store_that_another_process_is_making_is_waited_for(store_path: Path) -> None:
    store_path.parent.mkdir()
    making = sqlite3.connect(store_path, isolation_level=None, check_same_thread=False)
    making.execute("BEGIN IMMEDIATE")

    def finish() -> None:
        time.sleep(0.5)
        making.execute("COMMIT")
        making.close()

    other = threading.Thread(target=finish)
    other.start()
    try:
        with closing(CompletionStore(store_path)) as store:
            assert store.count() == 0
    finally:
        other.join()


def _unusable_path(kind: str, folder: Path) -> Path:
    path = folder / "completions.sqlite"
    match kind:
        case "below a file":
            (folder / "file").touch()
            return folder / "file" / "completions.sqlite"
        case "a folder":
            path.mkdir()
        case "not a database":
            path.write_bytes(b"these are not the answers you are looking for" * 100)
    return path


@pytest.mark.parametrize("kind", ["below a file", "a folder", "not a database"])
def test_a_path_that_cannot_hold_a_store_is_one_sentence(kind: str, tmp_path: Path) -> None:
    path = _unusable_path(kind, tmp_path)
    with pytest.raises(StoreError) as caught:
        CompletionStore(path)
    assert str(caught.value).startswith(f"The completion store {str(path)!r} cannot be used (")
    assert len(str(caught.value).splitlines()) == 1


def test_an_address_of_another_kind_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        CompletionStore("mysql://user:planted@localhost/answers")
    assert "'mysql://' is neither" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "layout"),
    [
        pytest.param("PRAGMA user_version=7", "7", id="newer"),
        pytest.param("CREATE TABLE completions (key TEXT)", "unknown", id="unknown"),
    ],
)
def test_a_file_of_another_version_is_refused_and_left_alone(
    store_path: Path, statement: str, layout: str
) -> None:
    store_path.parent.mkdir()
    _execute(store_path, statement)
    with pytest.raises(StoreError, match=rf"its layout is {layout}, this version reads 1\); upd"):
        CompletionStore(store_path)
    with closing(sqlite3.connect(store_path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == ([("completions",)] if layout == "unknown" else [])


_WITHOUT_RIGHTS = """
import os, sys
from llms import CompletionStore
from llms.errors import StoreError
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    CompletionStore(sys.argv[1])
except StoreError as error:
    print(error)
"""


def test_a_folder_without_the_right_to_write_is_a_store_error(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    printed = run_python(_WITHOUT_RIGHTS, str(folder / "completions.sqlite"))
    assert printed.startswith("The completion store ")
    assert len(printed.splitlines()) == 1


def _fill_the_disk(path: Path) -> tuple[list[str], str, str, str]:
    """Write until no byte more fits, through the store and through a gateway, then make room."""
    _, ceiling = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = CompletionStore(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, ceiling))
    returned: list[str] = []
    said = ""
    while not said:
        key = str(len(returned))
        try:
            put_all(store, {key: answer(os.urandom(5000).hex())})
            returned.append(key)
        except StoreError as error:
            said = str(error)
    gateway = Gateway(store)
    llm = ScriptedLLM(replies=(os.urandom(50_000).hex(),))
    try:
        llm.generate(["hi"], gateway=gateway)
        gateway_said = "nothing"
    except StoreError as error:
        gateway_said = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ceiling, ceiling))
    [[late]] = llm.generate(["hi"], gateway=gateway)
    gateway.close()
    return returned, said, gateway_said, late.text


def test_a_full_disk_is_a_store_error_and_harms_no_answer(store_path: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        returned, said, gateway_said, late = processes.submit(_fill_the_disk, store_path).result()
    assert len(returned) > 5
    for sentence in (said, gateway_said):
        assert sentence.startswith(f"The completion store {str(store_path)!r} cannot be used (")
        assert len(sentence.splitlines()) == 1
    with closing(CompletionStore(store_path)) as store:
        assert set(wait_for(store.get_many(returned))) == set(returned)
        assert store.count() == len(returned) + 1
        assert len(late) == 100_000


def test_a_store_that_fails_while_it_writes_does_not_leave_anyone_waiting(
    store_path: Path,
) -> None:
    with closing(CompletionStore(store_path)) as store:
        put_all(store, {"key": answer("one")})
        _execute(store_path, "DROP TABLE completions")
        with pytest.raises(StoreError):
            put_all(store, {"other": answer("two")})
        with pytest.raises(StoreError):
            get(store, "key")
        with pytest.raises(StoreError):
            store.count()


def test_a_damaged_file_is_a_store_error_that_says_so(store_path: Path) -> None:
    with closing(CompletionStore(store_path)) as store:
        put_all(store, {str(number): answer(os.urandom(500).hex()) for number in range(300)})
    with store_path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096 * 2)
        file.write(os.urandom(size - 4096 * 2))
    keys = [str(number) for number in range(300)]
    with (
        pytest.raises(StoreError, match="move the damaged file away"),
        closing(CompletionStore(store_path)) as store,
    ):
        wait_for(store.get_many(keys))


def test_an_entry_that_cannot_be_read_is_a_store_error(store_path: Path) -> None:
    with closing(CompletionStore(store_path)) as store:
        _execute(store_path, "INSERT INTO completions VALUES ('key', 'm', '', NULL, 0, x'00')")
        with pytest.raises(StoreError):
            get(store, "key")
