"""The ledger: what was paid is booked with the answer, and limits hold across processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context

import numpy as np
import pytest

from llms import CompletionStore
from llms.embeddings.model import Embedding
from llms.errors import StoreError
from llms.spending import Amount, Booking, Limit
from llms.store import this_process
from tests.llms.conftest import CHECKOUT, run_python
from tests.llms.store.conftest import Clock, answer, put_all, run_sql, wait_for

RUN, MONTH = "run/1", "dataset/d/2026-11"
TEN = Limit(requests=10)


def _requests(number: int) -> Amount:
    return Amount(requests=number)


def _charge(amount: Amount, *accounts: str) -> Booking:
    return Booking(accounts, amount=amount)


def test_an_answer_is_charged_to_all_its_accounts(store: CompletionStore) -> None:
    put_all(store, {"a": answer("a"), "b": answer("b")}, _charge(Amount(50_000, 2, 1), RUN, MONTH))
    vector = Embedding(np.zeros(3, np.float32), "e", input_tokens=7)
    put_all(store, {"c": vector}, _charge(Amount(2, 7, 1), MONTH))
    put_all(store, {"d": answer("d")}, Booking((RUN,)))
    put_all(store, {"e": answer("e")})
    assert wait_for(store.spent(RUN)) == Amount(100_000, 4, 2)
    assert wait_for(store.spent(MONTH)) == Amount(100_002, 11, 3)
    assert wait_for(store.spent("run/2")) == Amount()
    assert store.spending("dataset/") == {MONTH: Amount(100_002, 11, 3)}


def test_a_closed_account_keeps_its_sum_under_another_name_and_begins_anew(
    store: CompletionStore,
) -> None:
    for _ in range(2):
        put_all(store, {"a": answer("a")}, _charge(Amount(5, 2, 1), RUN))
        wait_for(store.close_account(RUN, "run/1/done"))
        assert wait_for(store.spent(RUN)) == Amount()
    wait_for(store.close_account("run/2", "run/2/done"))
    assert store.spending() == {"run/1/done": Amount(10, 4, 2)}


def test_an_answer_that_came_too_late_is_booked_all_the_same(store: CompletionStore) -> None:
    put_all(store, {"key": answer("first")}, _charge(Amount(1), RUN))
    stored = put_all(store, {"key": answer("second")}, _charge(Amount(2), RUN))
    assert stored["key"] == answer("first")
    assert wait_for(store.spent(RUN)) == Amount(3)


def test_an_answer_that_cannot_be_stored_books_nothing(
    store: CompletionStore, store_url: str
) -> None:
    run_sql(store_url, "ALTER TABLE completions RENAME TO elsewhere")
    with pytest.raises(StoreError):
        put_all(store, {"key": answer("a")}, _charge(Amount(1), RUN))
    assert wait_for(store.spent(RUN)) == Amount()


def test_an_answer_whose_booking_fails_is_not_stored(
    store: CompletionStore, store_url: str
) -> None:
    run_sql(store_url, "ALTER TABLE accounts RENAME TO elsewhere")
    with pytest.raises(StoreError):
        put_all(store, {"key": answer("a")}, _charge(Amount(1), RUN))
    assert store.count() == 0


def test_reservations_of_all_holders_and_what_is_booked_count_against_a_limit(
    store: CompletionStore,
) -> None:
    me = this_process()
    put_all(store, {"a": answer("a"), "b": answer("b")}, _charge(_requests(1), RUN))
    assert wait_for(store.reserve(RUN, me, _requests(3), TEN))
    assert wait_for(store.reserve(RUN, me, _requests(1), TEN))
    assert wait_for(store.reserve(RUN, "elsewhere:1:a", _requests(3), TEN))
    assert not wait_for(store.reserve(RUN, me, _requests(2), TEN))
    assert wait_for(store.reserved(RUN)) == _requests(7)
    assert wait_for(store.reserve(RUN, me, _requests(1), TEN))
    assert wait_for(store.reserve(MONTH, me, _requests(10), TEN))


@pytest.mark.parametrize(
    ("limit", "fits"),
    [
        pytest.param(Limit(), True, id="no limit"),
        pytest.param(Limit(nanodollars=6, tokens=60, requests=600), True, id="exactly"),
        pytest.param(Limit(nanodollars=5), False, id="money"),
        pytest.param(Limit(tokens=59), False, id="tokens"),
        pytest.param(Limit(requests=599), False, id="requests"),
    ],
)
def test_every_part_of_a_limit_holds(store: CompletionStore, limit: Limit, fits: bool) -> None:
    assert wait_for(store.reserve(RUN, "a:1:x", Amount(2, 20, 200), limit))
    assert wait_for(store.reserve(RUN, "b:1:x", Amount(4, 40, 400), limit)) is fits


def test_a_charge_is_taken_from_what_its_holder_reserved_and_never_below_nothing(
    store: CompletionStore,
) -> None:
    me, other = this_process(), "elsewhere:1:a"
    plenty = Limit()
    wait_for(store.reserve(RUN, me, Amount(1_500_000_000, 3, 5), plenty))
    wait_for(store.reserve(RUN, other, Amount(7, 7, 7), plenty))
    booking = Booking((RUN, MONTH), holder=me, amount=Amount(1_000_000_000, 2, 1))
    put_all(store, {"a": answer("a")}, booking)
    assert wait_for(store.reserved(RUN)) == Amount(500_000_007, 8, 11)
    put_all(store, {"b": answer("b")}, booking)
    assert wait_for(store.reserved(RUN)) == Amount(7, 7, 10)
    assert wait_for(store.reserved(MONTH)) == Amount()


def test_releasing_drops_a_holders_reservations_on_all_accounts_and_no_others(
    store: CompletionStore,
) -> None:
    me, other = this_process(), "elsewhere:1:a"
    for account in (RUN, MONTH):
        for holder in (me, other):
            wait_for(store.reserve(account, holder, _requests(2), TEN))
    wait_for(store.release(me))
    assert wait_for(store.reserved(RUN)) == wait_for(store.reserved(MONTH)) == _requests(2)


def test_a_reservation_that_is_not_renewed_for_two_minutes_is_dead(
    store: CompletionStore, clock: Clock, store_url: str
) -> None:
    for holder in ("elsewhere:1:a", "elsewhere:2:b"):
        wait_for(store.reserve(RUN, holder, _requests(5), TEN))
    clock.now += 119
    wait_for(store.renew("elsewhere:2:b"))
    assert wait_for(store.reserved(RUN)) == _requests(10)
    clock.now += 2
    assert wait_for(store.reserved(RUN)) == _requests(5)
    assert wait_for(store.reserve(RUN, this_process(), _requests(5), TEN))
    assert run_sql(store_url, "SELECT count(*) FROM reservations") == [(2,)]


_RESERVE_AND_END = """
import asyncio, sys
from llms import CompletionStore
from llms.spending import Amount, Limit
from llms.store import this_process
store = CompletionStore(sys.argv[1])
print(asyncio.run(store.reserve("run/1", this_process(), Amount(requests=10), Limit(requests=10))))
"""


def test_the_reservation_of_a_process_that_ended_is_free_at_once(store_url: str) -> None:
    assert run_python(_RESERVE_AND_END, store_url) == "True"
    with closing(CompletionStore(store_url)) as store:
        assert wait_for(store.reserved(RUN)) == Amount()
        assert wait_for(store.reserve(RUN, this_process(), _requests(10), TEN))


def _spend_while_allowed(url: str, name: str) -> int:
    """Reserve, pay and book until the limit is reached; return how often it was allowed."""
    allowed = 0
    with closing(CompletionStore(url)) as store:
        holder = this_process()
        while wait_for(store.reserve(RUN, holder, _requests(3), Limit(requests=60))):
            booking = Booking((RUN,), holder=holder, amount=_requests(1))
            keys = [f"{name} {allowed} {number}" for number in range(3)]
            put_all(store, {key: answer(key) for key in keys}, booking)
            allowed += 1
    return allowed


def test_processes_that_share_a_limit_spend_it_and_no_more(store_url: str) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        allowed = list(processes.map(_spend_while_allowed, [store_url] * 2, "ab"))
    assert sum(allowed) == 20
    with closing(CompletionStore(store_url)) as store:
        assert wait_for(store.spent(RUN)) == _requests(60)
        assert wait_for(store.reserved(RUN)) == Amount()


_PAY_FOR_WHAT_IS_MISSING = """
import asyncio, sys
from llms import Completion, CompletionStore, Usage
from llms.spending import Amount, Booking, Limit
from llms.store import this_process
store = CompletionStore(sys.argv[1])
holder = this_process()
accounts = ("run/1", "dataset/d/2026-11")
async def pay(number):
    if await store.get(str(number)) is None:
        usage = Usage(number, 1)
        answer = Completion("x", usage, "stop", "m", cost_usd=number / 1e9)
        booking = Booking(accounts, "p", holder, Amount(number, number + 1, 1))
        await store.put(str(number), answer, booking)
    print(number, flush=True)
async def main():
    for first in range(0, 600, 20):
        await store.reserve("run/1", holder, Amount(requests=20), Limit())
        await asyncio.gather(*(pay(first + offset) for offset in range(20)))
asyncio.run(main())
store.close()
"""


def test_the_books_equal_what_was_put_however_often_the_process_is_killed(store_url: str) -> None:
    command = [sys.executable, "-c", _PAY_FOR_WHAT_IS_MISSING, store_url]
    for lines in (110, 333):
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.kill()
        assert process.returncode == -signal.SIGKILL
        with closing(CompletionStore(store_url)) as store:
            totals, spent = store.totals(), wait_for(store.spent(RUN))
            assert lines <= totals.answers < 600
            assert spent.requests == totals.answers
            assert spent.usd == totals.spent_usd
            assert wait_for(store.reserved(RUN)) == Amount()
    assert subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL).returncode == 0
    with closing(CompletionStore(store_url)) as store:
        whole = Amount(sum(range(600)), sum(range(600)) + 600, 600)
        assert wait_for(store.spent(RUN)) == wait_for(store.spent(MONTH)) == whole
