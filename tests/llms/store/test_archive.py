"""Answers that leave a store and come into another one are the same, and nobody pays for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from llms import Completion, CompletionStore, Usage
from llms.chat import ToolCall
from llms.embeddings.model import Embedding
from llms.image_generation.model import Image
from llms.spending import Amount, Booking
from llms.store import ArchivedAnswer, Stored
from tests.llms.store.conftest import Clock, answer, get, put_all, wait_for

COMPLETIONS: dict[str, Stored] = {
    "plain": answer("an answer", cost_usd=0.25),
    "empty": answer(""),
    "unicode": answer("naïve \N{GRINNING FACE} \x00 \u2028"),
    "half": answer("half an emoji \ud83d"),
    "long": answer("long " * 50_000),
    "all": Completion(
        "called",
        Usage(3, 2, cached_tokens=1, reasoning_tokens=1),
        "tool_calls",
        "m-2",
        "request-1",
        reasoning="hm",
        tool_calls=(ToolCall("1", "add", '{"a": 1}'),),
        logprobs=[[{"token": "a", "logprob": -0.5}]],
        cost_usd=0.000_000_25,
    ),
}
IMAGES: dict[str, Stored] = {
    "image": Image(b"\x89PNG\r\n\x1a\nline\nline", "i", 1, 2, 0.5),
    "address": Image(b"", "i", address="https://example.org/1.png"),
}
VECTOR = np.array([0.1, -1.5e-30, np.inf, 10.0, 91.0], np.float32)
KEYS = [*COMPLETIONS, *IMAGES, "vector"]


@pytest.fixture
def first(tmp_path: Path) -> Iterator[CompletionStore]:
    """A store with answers of all kinds, which were paid for."""
    with closing(CompletionStore(tmp_path / "first.sqlite")) as store:
        booking = Booking(("run/1",), "answers", amount=Amount(1, 2, 1))
        values = COMPLETIONS | IMAGES | {"vector": Embedding(VECTOR, "e", 7, 0.25)}
        put_all(store, values, booking)
        yield store


def as_table(kept: list[ArchivedAnswer]) -> list[ArchivedAnswer]:
    """Return answers as they come back from a table of text and bytes."""
    schema = {"key": pl.String, "completion": pl.String, "data": pl.Binary}
    rows = [(item.key, item.completion, item.data) for item in kept]
    return [ArchivedAnswer(*row) for row in pl.DataFrame(rows, schema, orient="row").iter_rows()]


def test_answers_are_the_same_in_another_store(
    first: CompletionStore, store: CompletionStore
) -> None:
    assert store.restore(as_table(list(first.archive(KEYS)))) == len(KEYS)
    for key, value in {**COMPLETIONS, **IMAGES}.items():
        assert get(store, key) == value
    vector = get(store, "vector")
    assert isinstance(vector, Embedding)
    assert vector.vector.tobytes() == VECTOR.tobytes()
    assert (vector.model, vector.input_tokens, vector.cost_usd) == ("e", 7, 0.25)


def test_nothing_is_booked_and_what_answers_cost_is_known(
    first: CompletionStore, store: CompletionStore
) -> None:
    store.restore(first.archive(KEYS))
    assert store.spending() == {}
    assert wait_for(store.spent("run/1")) == Amount()
    costs = {item.model: item.spent_usd for item in store.totals().models}
    assert costs == {item.model: item.spent_usd for item in first.totals().models}
    assert first.totals().hits == store.totals().hits == 0


def test_what_was_restored_may_be_archived_again(
    first: CompletionStore, store: CompletionStore
) -> None:
    kept = sorted(first.archive(KEYS), key=lambda item: item.key)
    store.restore(kept)
    assert sorted(store.archive(KEYS), key=lambda item: item.key) == kept


def test_a_second_time_restores_nothing(first: CompletionStore, store: CompletionStore) -> None:
    kept = list(first.archive(KEYS))
    assert store.restore(kept) == len(KEYS)
    assert store.restore(kept) == 0
    assert store.restore([]) == 0
    assert store.count() == len(KEYS)


def test_an_answer_that_is_there_stays(store: CompletionStore, first: CompletionStore) -> None:
    put_all(store, {"plain": answer("mine")})
    assert store.restore(first.archive(KEYS)) == len(KEYS) - 1
    assert get(store, "plain") == answer("mine")


def test_only_what_is_asked_for_and_there_leaves(first: CompletionStore) -> None:
    assert [item.key for item in first.archive(["plain", "nothing"])] == ["plain"]
    assert list(first.archive([])) == []


def test_what_is_missing_is_told_in_order(store: CompletionStore, first: CompletionStore) -> None:
    store.restore(first.archive(["plain", "image", "vector"]))
    assert store.missing(["z", "plain", "vector", "empty", "image", "a"]) == ["z", "empty", "a"]
    assert store.missing([]) == []


def test_thousands_of_answers_go_in_portions(store: CompletionStore, tmp_path: Path) -> None:
    values: dict[str, Stored] = {f"{n:05}": answer(f"answer {n}") for n in range(6_000)}
    with closing(CompletionStore(tmp_path / "many.sqlite")) as many:
        put_all(many, values)
        keys = list(values)
        assert store.missing(keys) == keys
        assert store.restore(many.archive(keys)) == 6_000
    assert store.missing(keys) == []
    assert wait_for(store.get_many(keys[::97])) == {key: values[key] for key in keys[::97]}


def test_a_completion_is_text_that_a_person_can_read(first: CompletionStore) -> None:
    kept = {item.key: item for item in first.archive(KEYS)}
    assert kept["plain"].completion is not None
    assert '"text": "an answer"' in kept["plain"].completion
    assert kept["plain"].data is None
    assert kept["half"].completion is None
    assert kept["vector"].completion is kept["image"].completion is None


def test_restored_answers_count_as_used_now(
    first: CompletionStore, store: CompletionStore, clock: Clock
) -> None:
    clock.now += 1_000_000
    store.restore(first.archive(KEYS))
    assert store.prune(older_than_seconds=10, dry_run=True).answers == 0
