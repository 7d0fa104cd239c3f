"""Providers with limits, and what the gateway makes of them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from llms import ChatRequest, Gateway, Sample
from llms.errors import RateLimited
from llms.gateway import together
from tests.llms.conftest import chat_request, openai_model
from tests.loopback import Limits, LoopbackProvider, Status, loopback_provider


def ask(gateway: Gateway, llm: Any, number: int) -> None:
    """Ask for so many different answers at once."""

    async def ask_all() -> None:
        await together(
            [gateway.complete(llm, chat_request(f"{n}"), Sample()) for n in range(number)]
        )

    gateway.run(ask_all())


@pytest.mark.parametrize("told", ["seconds", "milliseconds", "date"])
def test_a_refusal_pauses_the_account_for_as_long_as_the_provider_asks(
    told: Any, gateway: Gateway
) -> None:
    headers = {
        "seconds": {"retry-after": "1"},
        "milliseconds": {"retry-after-ms": "900", "retry-after": "9"},
        "date": {"retry-after": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(_soon()))},
    }[told]
    with loopback_provider(fault=[Status(429, headers)]) as provider:
        llm = openai_model(provider, max_concurrent_requests=1)
        began = time.monotonic()
        ask(gateway, llm, 5)
        took = time.monotonic() - began
        assert provider.stats().requests == 6
    assert 0.5 <= took <= 4


def _soon() -> float:
    return time.time() + 2


def test_a_refusal_is_no_failed_try(gateway: Gateway) -> None:
    refused = Status(429, {"retry-after-ms": "10"})
    with loopback_provider(fault=[refused] * 12) as provider:
        ask(gateway, openai_model(provider, max_concurrent_requests=1), 1)
        assert provider.stats().requests == 13


def test_refusals_that_never_end_do_end_the_request(open_gateway: Any) -> None:
    with loopback_provider(
        fault=lambda number, body: Status(429, {"retry-after-ms": "20"})
    ) as provider:
        gateway = open_gateway(patience=0.3)
        with pytest.raises(RateLimited, match="429"):
            ask(gateway, openai_model(provider), 1)


@pytest.mark.parametrize("headers", ["openai", "mistral"])
@pytest.mark.parametrize("kind", ["bucket", "window"])
def test_limits_that_the_provider_states_are_used_and_kept(
    kind: Any, headers: Any, gateway: Gateway
) -> None:
    limits = Limits(1_200, kind=kind, headers=headers, retry_after="seconds", minute=6.0)
    with loopback_provider(limits=limits, latency=0.02) as provider:
        llm = openai_model(provider)
        ask(gateway, llm, 1_150)
        stats = provider.stats()
    assert stats.answered == 1_150
    assert stats.refused <= 23


def test_the_users_limits_are_kept_where_the_provider_states_none(gateway: Gateway) -> None:
    with loopback_provider(limits=Limits(1_200, burst=0.1, retry_after="seconds")) as provider:
        began = time.monotonic()
        ask(gateway, openai_model(provider, requests_per_minute=1_200), 160)
        took = time.monotonic() - began
        assert provider.stats().refused == 0
    assert 5 <= took <= 8


def test_a_crowd_that_is_refused_becomes_smaller_until_it_is_borne(gateway: Gateway) -> None:
    with loopback_provider(slots=10, overload="refuse", latency=0.05) as provider:
        ask(gateway, openai_model(provider), 300)
        stats = provider.stats()
    assert stats.answered == 300
    assert stats.refused <= 60


def test_the_crowd_grows_where_it_is_borne(gateway: Gateway) -> None:
    with loopback_provider(latency=0.1) as provider:
        ask(gateway, openai_model(provider), 600)
        assert 64 <= provider.stats().most_in_flight <= 256


def test_the_users_number_of_requests_in_flight_is_kept(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    provider.latency = 0.05
    ask(gateway, openai_model(provider, max_concurrent_requests=3), 12)
    assert provider.stats().most_in_flight == 3


def test_steps_with_the_same_account_and_model_share_its_pause(gateway: Gateway) -> None:
    with loopback_provider(fault=[Status(429, {"retry-after": "1"})]) as provider:
        cold, warm = openai_model(provider), openai_model(provider).sampling(temperature=1.0)
        gateway.run(gateway.complete(cold, ChatRequest(chat_request("a").messages), Sample()))
        began = time.monotonic()
        provider.fail_with([Status(429, {"retry-after": "1"})])

        async def both() -> None:
            await together(
                [gateway.complete(llm, chat_request("b"), Sample()) for llm in (cold, warm)]
            )

        gateway.run(both())
    assert time.monotonic() - began >= 0.9


def test_what_a_request_will_use_is_told_by_the_answers_before_it(
    gateway: Gateway, provider: LoopbackProvider
) -> None:
    began = time.monotonic()
    ask(gateway, openai_model(provider, tokens_per_minute=60_000), 300)
    assert provider.stats().answered == 300
    assert time.monotonic() - began < 10
