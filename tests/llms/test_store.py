"""The completion store: durable, shared by processes, and honest when it fails."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest

from llms import Completion, CompletionStore, Gateway, ScriptedLLM, Usage
from llms.errors import StoreError
from tests.llms.conftest import CHECKOUT, run_python

_ANSWER = Completion("an answer", Usage(3, 2), "stop", "m-2026-01", "request-1")


def _answer(text: str) -> Completion:
    return Completion(text, Usage(1, 1), "stop", "m")


def _put_all(store: CompletionStore, answers: dict[str, Completion]) -> dict[str, Completion]:
    async def put() -> list[Completion]:
        async with asyncio.timeout(20):
            return await asyncio.gather(*(store.put(*each) for each in answers.items()))

    return dict(zip(answers, asyncio.run(put()), strict=True))


@pytest.fixture
def store(store_path: Path) -> Iterator[CompletionStore]:
    """A new store."""
    with closing(CompletionStore(store_path)) as store:
        yield store


@pytest.mark.parametrize(
    "completion",
    [
        _ANSWER,
        _answer(""),
        _answer("naïve \N{GRINNING FACE} \x00 \u2028 „quoted“"),
        _answer("half an emoji \ud83d"),
        _answer("long " * 200_000),
        Completion("cut", Usage(0, 0), "length", "m", None),
    ],
    ids=["whole", "empty", "unicode", "lone surrogate", "a megabyte", "no request id"],
)
def test_an_answer_comes_back_as_it_was_put(store: CompletionStore, completion: Completion) -> None:
    assert store.get("key") is None
    assert _put_all(store, {"key": completion}) == {"key": completion}
    assert store.get("key") == completion


def test_a_second_answer_under_one_key_gives_way_to_the_first(store: CompletionStore) -> None:
    assert _put_all(store, {"key": _answer("first")})["key"].text == "first"
    assert _put_all(store, {"key": _answer("second")})["key"].text == "first"
    assert store.count() == 1


def test_two_answers_that_arrive_together_under_one_key_become_one(store: CompletionStore) -> None:
    async def put_both() -> list[Completion]:
        return await asyncio.gather(*(store.put("key", _answer(text)) for text in ("one", "two")))

    one, other = asyncio.run(put_both())
    assert one == other == store.get("key")


def test_closing_keeps_what_has_arrived(store_path: Path) -> None:
    store = CompletionStore(store_path)
    _put_all(store, {str(number): _answer(str(number)) for number in range(1000)})
    store.close()
    with closing(CompletionStore(store_path)) as again:
        assert again.count() == 1000
        assert again.get("999") == _answer("999")


def test_a_closed_store_is_an_error_not_a_wait(store_path: Path) -> None:
    store = CompletionStore(store_path)
    store.close()
    with pytest.raises(StoreError):
        store.get("key")

    async def put() -> Completion:
        async with asyncio.timeout(5):
            return await store.put("key", _ANSWER)

    with pytest.raises(StoreError):
        asyncio.run(put())


def test_a_reader_of_another_process_sees_an_answer_as_soon_as_it_is_returned(
    store: CompletionStore, store_path: Path
) -> None:
    _put_all(store, {"key": _ANSWER})
    script = "import sys; from llms import CompletionStore as S; print(S(sys.argv[1]).get('key'))"
    assert run_python(script, str(store_path)) == repr(_ANSWER)


_PUT_UNTIL_KILLED = """
import asyncio, itertools, sys
from llms import Completion, CompletionStore, Usage
store = CompletionStore(sys.argv[1])
async def put(number):
    await store.put(str(number), Completion("x" * 500, Usage(1, 1), "stop", "m"))
    print(number, flush=True)
async def main():
    for first in itertools.count(0, 20):
        await asyncio.gather(*(put(first + offset) for offset in range(20)))
asyncio.run(main())
"""


def test_an_answer_is_durable_before_it_is_returned(store_path: Path) -> None:
    command = [sys.executable, "-c", _PUT_UNTIL_KILLED, str(store_path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        returned = [process.stdout.readline().strip() for _ in range(300)]
        process.kill()
        returned += process.stdout.read().split()
    assert process.returncode == -signal.SIGKILL
    with closing(CompletionStore(store_path)) as store:
        assert [key for key in returned if store.get(key) is None] == []


def _write_overlapping(path: Path, writer: str) -> dict[str, str]:
    with closing(CompletionStore(path)) as store:
        texts: dict[str, str] = {}
        for first in range(0, 300, 30):
            keys = [f"{writer} {first}", *(f"both {number}" for number in range(first, first + 30))]
            stored = _put_all(store, {key: _answer(f"{key} by {writer}") for key in keys})
            texts |= {key: completion.text for key, completion in stored.items()}
        return texts


def test_processes_that_write_one_file_at_once_agree_on_every_answer(store_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        writers = ["a", "b", "c"]
        seen = list(processes.map(_write_overlapping, [store_path] * 3, writers))
    both = [{key: text for key, text in each.items() if key.startswith("both")} for each in seen]
    assert both[0] == both[1] == both[2]
    assert len(both[0]) == 300
    with closing(CompletionStore(store_path)) as store:
        assert store.count() == 330
        for each in seen:
            for key, text in each.items():
                assert store.get(key) == _answer(text)


def test_a_store_that_another_process_is_making_is_waited_for(store_path: Path) -> None:
    store_path.parent.mkdir()
    making = sqlite3.connect(store_path, isolation_level=None, check_same_thread=False)
    making.execute("BEGIN IMMEDIATE")
    making.execute("CREATE TABLE other (key)")

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
            _put_all(store, {key: _answer(os.urandom(5000).hex())})
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
        assert [key for key in returned if store.get(key) is None] == []
        assert store.count() == len(returned) + 1
        assert len(late) == 100_000


def test_a_store_that_fails_while_it_writes_does_not_leave_anyone_waiting(
    store: CompletionStore, store_path: Path
) -> None:
    _put_all(store, {"key": _ANSWER})
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("DROP TABLE completions")
    with pytest.raises(StoreError):
        _put_all(store, {"other": _ANSWER})
    with pytest.raises(StoreError):
        store.get("key")
    with pytest.raises(StoreError):
        store.count()


def test_an_entry_that_cannot_be_read_is_a_store_error(
    store: CompletionStore, store_path: Path
) -> None:
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("INSERT INTO completions VALUES ('key', x'00', 0)")
    with pytest.raises(StoreError):
        store.get("key")
