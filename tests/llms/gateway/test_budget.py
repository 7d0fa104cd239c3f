"""Budgets: what is reserved, booked and refused."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llms import ChatRequest, CompletionStore, Gateway, Sample, ScriptedLLM
from llms.budget import most_of
from llms.errors import BudgetExceeded, ConfigurationError
from llms.gateway import Budget, Purse, together
from llms.model import Price
from llms.spending import Amount
from tests.llms.conftest import CHECKOUT, OpenGateway, chat_request, openai_model, wait_until
from tests.loopback import LoopbackProvider, loopback_process, loopback_provider

ACCOUNT = "run/test"
PRICE = Price(input=10.0, output=1_000.0)


def priced_model(provider: Any, **parameters: Any) -> Any:
    """Return a model at about a cent a call."""
    kwargs = {"max_new_tokens": 20, **parameters.pop("generation_kwargs", {})}
    return openai_model(provider, price=PRICE, generation_kwargs=kwargs, **parameters)


def spend(
    gateway: Gateway, llm: Any, numbers: range, budget: Budget | None, account: str = ACCOUNT
) -> None:
    """Ask for different answers at once, charged to an account."""
    with gateway.purse("test", {account: budget}) as purse:

        async def ask() -> None:
            await together(
                [
                    gateway.complete(llm, chat_request(f"{number}"), Sample(), purse)
                    for number in numbers
                ]
            )

        gateway.run(ask())


def booked(gateway: Gateway, account: str = ACCOUNT) -> Amount:
    """Return what an account has spent."""
    return gateway.run(gateway.store.spent(account))


def test_calls_are_booked_with_their_answers_and_cost_what_the_price_says(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    spend(gateway, priced_model(provider), range(10), None)
    spent = booked(gateway)
    stats = provider.stats()
    assert spent.requests == 10
    # the loopback provider counts words: one in, four out
    assert spent.tokens == 10 * 5
    assert spent.usd == pytest.approx(10 * (1 * 10 + 4 * 1_000) / 1e6)
    spend(gateway, priced_model(provider), range(10), None)
    assert booked(gateway) == spent
    assert provider.stats().requests == stats.requests


def test_a_budget_is_never_passed_with_many_requests_in_flight(
    open_gateway: OpenGateway,
) -> None:
    gateway = open_gateway(attempts=3)
    with loopback_provider(latency=0.02) as provider:
        llm = priced_model(provider, max_concurrent_requests=32)
        with pytest.raises(BudgetExceeded, match=r"'run/test' is \$1\.00.*Raise it"):
            spend(gateway, llm, range(400), Budget(usd=1.0))
        spent = booked(gateway)
        assert 0.9 < spent.usd <= 1.0
        assert spent.requests == provider.stats().answered
        assert provider.stats().most_in_flight > 8
        # the same again buys nothing more; with a higher limit the run goes on where it stopped
        with pytest.raises(BudgetExceeded):
            spend(gateway, llm, range(400), Budget(usd=1.0))
        assert booked(gateway).usd <= 1.0
        spend(gateway, llm, range(400), Budget(usd=5.0))
        assert provider.stats().answered == 400
        assert provider.stats().after_answer == 0
    assert booked(gateway).requests == 400


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(requests=7), "7 requests are made"),
        (Budget(tokens=2_000), "tokens are used"),
        (Budget(usd=0.2), r"\$0\.\d+ are spent"),
    ],
    ids=["requests", "tokens", "money"],
)
def test_each_kind_of_limit_stops_the_run_with_what_is_spent(
    budget: Budget, said: str, gateway: Gateway, provider: LoopbackProvider
) -> None:
    with pytest.raises(BudgetExceeded, match=said):
        spend(gateway, priced_model(provider), range(600), budget)
    assert budget.limit.allows(booked(gateway))
    assert booked(gateway).requests >= 5


def test_several_budgets_hold_at_once(gateway: Gateway, provider: LoopbackProvider) -> None:
    llm = priced_model(provider)
    with gateway.purse(
        "test", {"run/a": Budget(usd=9.0), "dataset/a": Budget(requests=4)}
    ) as purse:

        async def ask() -> None:
            for number in range(9):
                await gateway.complete(llm, chat_request(f"{number}"), Sample(), purse)

        with pytest.raises(BudgetExceeded, match="dataset/a"):
            gateway.run(ask())
    assert booked(gateway, "run/a").requests == booked(gateway, "dataset/a").requests == 4


def test_a_price_that_nobody_knows_is_said_before_any_call(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    llm = openai_model(provider, model="no-such-model", generation_kwargs={"max_new_tokens": 9})
    with (
        gateway.purse("test", {ACCOUNT: Budget(usd=1.0)}) as purse,
        pytest.raises(ConfigurationError, match="price of openai:no-such-model is not known"),
    ):
        purse.check(llm)
    with gateway.purse("test", {ACCOUNT: Budget(requests=1)}) as purse:
        purse.check(llm)


def test_an_answer_that_nothing_bounds_is_said_before_any_call(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    llm = openai_model(provider, price=PRICE)
    with (
        gateway.purse("test", {ACCOUNT: Budget(tokens=10_000)}) as purse,
        pytest.raises(ConfigurationError, match="set max_new_tokens"),
    ):
        purse.check(llm)


def test_prices_come_from_the_list_and_an_unknown_one_is_not_zero(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    listed, unlisted = openai_model(provider, model="gpt-4o-mini"), openai_model(provider)

    async def ask() -> list[Any]:
        return await together(
            [gateway.complete(llm, chat_request("a"), Sample()) for llm in (listed, unlisted)]
        )

    known, unknown = gateway.run(ask())
    assert known.completion.cost_usd == pytest.approx((1 * 0.15 + 4 * 0.6) / 1e6)
    assert unknown.completion.cost_usd is None
    assert (known.calls.unpriced, unknown.calls.unpriced) == (0, 1)


def test_a_model_of_the_users_own_costs_nothing(gateway: Gateway) -> None:
    (answer,) = ScriptedLLM().generate(["a"], gateway=gateway)[0]
    assert answer.cost_usd == 0.0


@pytest.mark.parametrize("text", ["plain words", "日本語のテキスト" * 30, "x" * 5_000, "\ud800"])
def test_no_prompt_has_more_tokens_than_are_reserved_for_it(text: str) -> None:
    most = most_of(
        ScriptedLLM().sampling(max_new_tokens=5), ChatRequest(chat_request(text).messages)
    )
    assert most.tokens >= len(text.encode(errors="replace")) + 5


def test_processes_that_share_a_budget_do_not_pass_it_together(store_path: Path) -> None:
    program = """
import sys
from tests.llms.gateway.test_budget import *
from llms import RetryPolicy
gateway = Gateway(CompletionStore(Path(sys.argv[1])))
url, start = sys.argv[2], int(sys.argv[3])
class Server: pass
server = Server(); server.url = url
try:
    llm = priced_model(server, max_concurrent_requests=16)
    spend(gateway, llm, range(start, start + 300), Budget(usd=1.0))
except BudgetExceeded:
    print("exceeded")
gateway.close()
"""
    with loopback_process(latency=0.02) as server:
        running = [
            subprocess.Popen(
                [sys.executable, "-c", program, str(store_path), server.url, str(start)],
                cwd=CHECKOUT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for start in (0, 1_000)
        ]
        said = [process.communicate(timeout=120)[0] for process in running]
        assert said == ["exceeded\n", "exceeded\n"]
        store = CompletionStore(store_path)
        gateway = Gateway(store)
        spent = booked(gateway)
        assert 0.9 < spent.usd <= 1.0
        assert spent.requests == server.stats().answered
        gateway.close()


def test_a_killed_run_counts_once_and_leaves_nothing_reserved(store_path: Path) -> None:
    program = """
import sys
from tests.llms.gateway.test_budget import *
gateway = Gateway(CompletionStore(Path(sys.argv[1])))
class Server: url = sys.argv[2]
spend(gateway, priced_model(Server, max_concurrent_requests=32), range(200), Budget(usd=2.0))
"""
    with loopback_process(latency=0.1) as server:
        command = [sys.executable, "-c", program, str(store_path), server.url]
        with subprocess.Popen(command, cwd=CHECKOUT) as process:
            wait_until(lambda: server.stats().answered >= 60, seconds=60)
            process.send_signal(signal.SIGKILL)
        gateway = Gateway(CompletionStore(store_path))
        kept = booked(gateway)
        assert 0 < kept.requests < 200
        assert gateway.run(gateway.store.reserved(ACCOUNT)) == Amount()
        spend(gateway, priced_model(server), range(200), Budget(usd=2.0))
        assert booked(gateway).requests == 200
        assert booked(gateway).usd == pytest.approx(200 * 4_010 / 1e6)
        gateway.close()


def test_a_purse_without_budgets_books_all_the_same(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    with gateway.purse("test", {ACCOUNT: None}) as purse:
        assert isinstance(purse, Purse)
        purse.check(openai_model(provider))
        gateway.run(gateway.complete(openai_model(provider), chat_request("a"), Sample(), purse))
    assert booked(gateway).requests == 1
