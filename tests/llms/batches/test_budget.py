"""Budgets hold for jobs, also for those that nobody waits for."""

from __future__ import annotations

from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from llms import Answer, Gateway
from llms.batches.timing import BatchTiming
from llms.errors import BatchPending, BudgetExceeded
from llms.gateway import Budget
from tests.llms.batches.asking import ACCOUNT, HALF, answered, ask, batched, booked, left_in, words
from tests.llms.batches.conftest import OpenBatchGateway
from tests.llms.conftest import wait_until
from tests.loopback import loopback_provider

LONG = 600.0


def test_a_budget_lets_as_many_into_a_job_as_it_can_pay_and_the_others_after_them(
    gateway: Gateway,
) -> None:
    with loopback_provider() as provider:
        texts = words(30)
        budget = Budget(usd=0.12)
        assert answered(ask(gateway, batched("openai", provider), texts, budget), texts) == 30
        stats = provider.stats()
    assert 1 < stats.jobs < 6
    assert (stats.job_lines, stats.duplicate_lines) == (30, 0)
    assert booked(gateway).usd == pytest.approx(30 * HALF)
    wait_until(lambda: left_in(gateway) == (0, 0))


def test_a_budget_is_never_passed(gateway: Gateway) -> None:
    with loopback_provider() as provider:
        answers = ask(gateway, batched("openai", provider), words(30), Budget(usd=0.04))
        bought = [answer for answer in answers if isinstance(answer, Answer)]
        assert {type(answer) for answer in answers} == {Answer, BudgetExceeded}
        assert provider.stats().job_lines == len(bought) == booked(gateway).requests
        assert 0.025 < booked(gateway).usd <= 0.04
        rest = ask(gateway, batched("openai", provider), words(30), Budget(usd=0.5))
        assert answered(rest, words(30)) == 30
        assert provider.stats().duplicate_lines == 0


def test_what_a_job_may_cost_stays_reserved_until_it_is_fetched(
    open_gateway: OpenBatchGateway,
) -> None:
    budget = Budget(requests=10)
    with loopback_provider(batch_seconds=LONG) as provider:
        llm = batched("openai", provider, offline_batch_generation_block_until_done=None)
        first = open_gateway()
        told = ask(first, llm, words(10), budget)
        assert {type(answer) for answer in told} == {BatchPending}
        later = open_gateway()
        (refused,) = ask(later, llm, ["another"], budget)
        assert isinstance(refused, BudgetExceeded)
        assert left_in(later)[0] == 1
        provider.batches.seconds = 0.0
        # what the job asks for already needs no room
        assert answered(ask(later, llm, words(10), budget), words(10)) == 10
        (refused,) = ask(later, llm, ["another"], budget)
        assert isinstance(refused, BudgetExceeded)
        assert (provider.stats().jobs, provider.stats().duplicate_lines) == (1, 0)
    assert booked(later).requests == 10


def test_a_job_that_came_to_nothing_gives_its_reservation_back(gateway: Gateway) -> None:
    budget = Budget(requests=10)
    with loopback_provider(job_faults=["failed"]) as provider:
        llm = batched("openai", provider)
        failed = ask(gateway, llm, words(10), budget)
        assert answered(failed, words(10)) == 0
        wait_until(lambda: left_in(gateway) == (0, 0))
        assert answered(ask(gateway, llm, words(10), budget), words(10)) == 10


def test_an_interrupt_before_the_submission_takes_the_requests_back(
    open_gateway: OpenBatchGateway,
) -> None:
    gateway = open_gateway(BatchTiming(quiet=0.5))
    budget = Budget(requests=3)
    with loopback_provider() as provider, ThreadPoolExecutor(1) as thread:
        llm = batched("openai", provider)
        asking = thread.submit(ask, gateway, llm, words(3), budget)
        wait_until(lambda: gateway.run(gateway.store.reserved(ACCOUNT)).requests == 3)
        gateway.interrupt()
        with pytest.raises(CancelledError):
            asking.result(timeout=20)
        again = ["others", "than", "these"]
        assert answered(ask(gateway, llm, again, budget), again) == 3
        assert (provider.stats().jobs, provider.stats().job_lines) == (1, 3)
