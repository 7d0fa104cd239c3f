"""The completion store: durable and shared by processes, whatever database holds it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context

import numpy as np
import pytest

from llms import Completion, CompletionStore, Usage
from llms.chat import ToolCall
from llms.embeddings.model import Embedding
from llms.errors import StoreError
from llms.store import Stored
from tests.llms.conftest import CHECKOUT, run_python
from tests.llms.store.conftest import answer, get, put_all, wait_for

ANSWER = Completion("an answer", Usage(3, 2), "stop", "m-2026-01", "request-1")


@pytest.mark.parametrize(
    "completion",
    [
        ANSWER,
        answer(""),
        answer("naïve \N{GRINNING FACE} \x00 \u2028 „quoted“"),
        answer("half an emoji \ud83d"),
        answer("long " * 200_000),
        answer("x", model="odd \x00 \ud83d"),
        Completion("cut", Usage(0, 0), "length", "m", None),
        Completion(
            "called",
            Usage(3, 2, cached_tokens=1, reasoning_tokens=1),
            "tool_calls",
            "m",
            reasoning="hm",
            tool_calls=(ToolCall("1", "add", '{"a": 1}'),),
            logprobs=[[{"token": "a", "logprob": -0.5}]],
            cost_usd=0.000_000_25,
        ),
    ],
    ids=[
        "whole",
        "empty",
        "unicode",
        "lone surrogate",
        "a megabyte",
        "odd model name",
        "no request id",
        "all fields",
    ],
)
def test_an_answer_comes_back_as_it_was_put(store: CompletionStore, completion: Completion) -> None:
    assert get(store, "key") is None
    assert put_all(store, {"key": completion}) == {"key": completion}
    assert get(store, "key") == completion


def test_a_vector_comes_back_bit_by_bit(store: CompletionStore) -> None:
    vector = np.array([0.1, -1.5e-30, np.inf, 10.0, 91.0], np.float32)
    put_all(store, {"key": Embedding(vector, "e-1", 7, 0.25)})
    found = get(store, "key")
    assert isinstance(found, Embedding)
    assert found.vector.dtype == np.float32
    assert found.vector.tobytes() == vector.tobytes()
    assert (found.model, found.input_tokens, found.cost_usd) == ("e-1", 7, 0.25)


def test_many_keys_are_asked_for_at_once(store: CompletionStore) -> None:
    values: dict[str, Stored] = {str(number): answer(str(number)) for number in range(1500)}
    put_all(store, values)
    asked = [*values, "missing", "7", "7"]
    assert wait_for(store.get_many(asked)) == values
    assert wait_for(store.get_many([])) == {}


def test_a_second_answer_under_one_key_gives_way_to_the_first(store: CompletionStore) -> None:
    assert put_all(store, {"key": answer("first")})["key"] == answer("first")
    assert put_all(store, {"key": answer("second")})["key"] == answer("first")
    assert store.count() == 1


def test_two_answers_that_arrive_together_under_one_key_become_one(store: CompletionStore) -> None:
    async def put_both() -> list[Stored]:
        return await asyncio.gather(*(store.put("key", answer(text)) for text in ("one", "two")))

    one, other = wait_for(put_both())
    assert one == other == get(store, "key")


def test_closing_keeps_what_has_arrived(store_url: str) -> None:
    store = CompletionStore(store_url)

    async def put_and_close() -> None:
        waiting = [
            asyncio.create_task(store.put(str(number), answer(str(number))))
            for number in range(1000)
        ]
        await asyncio.sleep(0)
        store.close()
        await asyncio.gather(*waiting)

    wait_for(put_and_close())
    store.close()
    with closing(CompletionStore(store_url)) as again:
        assert again.count() == 1000
        assert get(again, "999") == answer("999")


def test_a_closed_store_is_an_error_not_a_wait(store_url: str) -> None:
    store = CompletionStore(store_url)
    store.close()
    for use in (
        lambda: get(store, "key"),
        lambda: put_all(store, {"key": ANSWER}),
        lambda: wait_for(store.spent("account")),
        lambda: wait_for(store.release("holder")),
        store.count,
        store.totals,
    ):
        with pytest.raises(StoreError, match=r"^The completion store '.*' is closed"):
            use()


def test_a_caller_that_gives_up_does_not_keep_others_from_their_answer(
    store: CompletionStore,
) -> None:
    put_all(store, {"key": ANSWER})

    async def ask() -> Stored | None:
        impatient = asyncio.create_task(store.get("key"))
        patient = asyncio.create_task(store.get("key"))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert wait_for(ask()) == ANSWER


def test_a_reader_of_another_process_sees_an_answer_as_soon_as_it_is_returned(
    store: CompletionStore, store_url: str
) -> None:
    put_all(store, {"key": ANSWER})
    script = (
        "import asyncio, sys; from llms import CompletionStore as S; s = S(sys.argv[1]); "
        "print(asyncio.run(s.get('key'))); s.close()"
    )
    assert run_python(script, store_url) == repr(ANSWER)


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


def test_an_answer_is_durable_before_it_is_returned(store_url: str) -> None:
    command = [sys.executable, "-c", _PUT_UNTIL_KILLED, store_url]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        returned = [process.stdout.readline().strip() for _ in range(300)]
        process.kill()
        returned += process.stdout.read().split()
    assert process.returncode == -signal.SIGKILL
    with closing(CompletionStore(store_url)) as store:
        assert [key for key in returned if get(store, key) is None] == []


def _write_overlapping(url: str, writer: str) -> dict[str, str]:
    with closing(CompletionStore(url)) as store:
        texts: dict[str, str] = {}
        for first in range(0, 300, 30):
            keys = [f"{writer} {first}", *(f"both {number}" for number in range(first, first + 30))]
            if writer == "b":
                keys.reverse()
            stored = put_all(store, {key: answer(f"{key} by {writer}") for key in keys})
            for key, value in stored.items():
                assert isinstance(value, Completion)
                texts[key] = value.text
        return texts


def test_processes_that_write_one_store_at_once_agree_on_every_answer(store_url: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        writers = ["a", "b", "c"]
        seen = list(processes.map(_write_overlapping, [store_url] * 3, writers))
    both = [{key: text for key, text in each.items() if key.startswith("both")} for each in seen]
    assert both[0] == both[1] == both[2]
    assert len(both[0]) == 300
    with closing(CompletionStore(store_url)) as store:
        assert store.count() == 330
        for each in seen:
            stored = wait_for(store.get_many(list(each)))
            assert stored == {key: answer(text) for key, text in each.items()}
