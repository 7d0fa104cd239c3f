"""What a store tells of itself, and how old answers leave it."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from llms import CompletionStore
from llms.errors import ConfigurationError, StoreError
from llms.spending import Amount, Booking
from llms.store import ModelTotals, Pruned, StoreTotals
from tests.llms.conftest import wait_until
from tests.llms.store.conftest import Clock, answer, get, put_all, raw_connection, wait_for

DAY = 86400.0


def _keys(store: CompletionStore) -> set[str]:
    return set(wait_for(store.get_many(["a", "b", "c", "d"])))


def test_totals_tell_answers_hits_and_money_for_each_model(store_url: str) -> None:
    with closing(CompletionStore(store_url)) as store:
        put_all(
            store,
            {
                "a": answer("a", cost_usd=0.25, model="m-1"),
                "b": answer("b", cost_usd=0.5, model="m-1"),
                "c": answer("c", model="m-2"),
            },
        )
        for key in ("a", "a", "b", "c", "missing"):
            get(store, key)
        wait_for(store.get_many(["b", "c", "missing"]))
    with closing(CompletionStore(store_url)) as store:
        totals = store.totals()
    assert totals == StoreTotals(
        answers=3,
        bytes=totals.bytes,
        hits=6,
        spent_usd=0.75,
        saved_usd=1.5,
        unpriced=1,
        models=(
            ModelTotals("m-1", 2, 4, 0.75, 1.5, 0),
            ModelTotals("m-2", 1, 2, 0.0, 0.0, 1),
        ),
    )
    assert totals.bytes > 8000


def test_an_empty_store_has_totals(store: CompletionStore) -> None:
    totals = store.totals()
    assert (totals.answers, totals.hits, totals.spent_usd, totals.models) == (0, 0, 0.0, ())


def test_hits_are_written_though_no_answer_follows(store: CompletionStore) -> None:
    put_all(store, {"a": answer("a")})
    get(store, "a")
    wait_until(lambda: store.totals().hits == 1)


def test_answers_unused_for_some_time_leave(store: CompletionStore, clock: Clock) -> None:
    put_all(store, {"a": answer("a"), "b": answer("b")})
    clock.now += 20 * DAY
    put_all(store, {"c": answer("c")})
    get(store, "b")
    wait_until(lambda: store.totals().hits == 1)
    clock.now += 20 * DAY
    would = store.prune(older_than_seconds=30 * DAY, dry_run=True)
    assert store.count() == 3
    assert store.prune(older_than_seconds=30 * DAY) == would
    assert would.answers == 1
    assert would.bytes > 20
    assert _keys(store) == {"b", "c"}


def test_the_answers_of_one_pipeline_leave_and_the_books_stay(store: CompletionStore) -> None:
    for key, pipeline in (("a", "old"), ("b", "new")):
        booking = Booking(("run/1",), pipeline, amount=Amount(1, 2, 1))
        put_all(store, {key: answer(key)}, booking)
    assert store.prune(pipeline="nobody's") == Pruned(0, 0)
    assert store.prune(pipeline="old").answers == 1
    assert _keys(store) == {"b"}
    assert wait_for(store.spent("run/1")) == Amount(2, 4, 2)


def test_age_and_pipeline_together_are_the_answers_that_are_both(
    store: CompletionStore, clock: Clock
) -> None:
    put_all(store, {"a": answer("a")}, Booking(pipeline="p"))
    put_all(store, {"b": answer("b")}, Booking(pipeline="q"))
    clock.now += 2 * DAY
    put_all(store, {"c": answer("c")}, Booking(pipeline="p"))
    assert store.prune(DAY, "p").answers == 1
    assert _keys(store) == {"b", "c"}


def test_pruning_everything_by_accident_is_refused(store: CompletionStore) -> None:
    with pytest.raises(ConfigurationError, match="which answers"):
        store.prune()


def test_pruning_frees_the_disk_while_the_store_stays_open(store: CompletionStore) -> None:
    put_all(store, {f"k{n}": answer(os.urandom(2000).hex()) for n in range(1200)})
    put_all(store, {"a": answer("a")}, Booking(pipeline="kept"))
    before = store.totals().bytes
    pruned = store.prune(pipeline="")
    assert pruned.answers == 1200
    assert pruned.bytes > 1200 * 2000
    assert store.totals().bytes < before / 10
    assert _keys(store) == {"a"}


def test_pruning_is_refused_while_another_process_writes(
    store: CompletionStore, store_url: str
) -> None:
    put_all(store, {"a": answer("a")}, Booking(pipeline="p"))
    with closing(raw_connection(store_url)) as other:
        other.execute("BEGIN")
        other.execute("DELETE FROM completions")
        with pytest.raises(StoreError, match=r"^Another process is writing to the completion st"):
            store.prune(pipeline="p")
        other.execute("ROLLBACK")
    assert _keys(store) == {"a"}
