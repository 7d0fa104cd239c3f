"""Retries by type, waits as asked, and failures that leave no trace."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from llms import (
    Gateway,
    RetryPolicy,
)
from llms.errors import (
    AuthenticationFailed,
    BadRequest,
    ModelNotFound,
    ProviderUnreachable,
    RateLimited,
    RequestRefused,
    ServerFailed,
)
from tests.llms.conftest import OpenGateway, RemoteModel, openai_model
from tests.loopback import (
    MALFORMED,
    Fault,
    Hang,
    LoopbackProvider,
    Reset,
    Status,
    Truncated,
)


def test_transient_failures_are_tried_again_until_an_answer_comes(
    provider: LoopbackProvider, open_gateway: OpenGateway, remote_model: RemoteModel
) -> None:
    faults: list[Fault] = [Status(503), Reset(), Truncated(), MALFORMED, Status(429), Status(408)]
    provider.fail_with(faults)
    gateway = open_gateway(attempts=len(faults) + 1)
    [[completion]] = remote_model(provider).generate(["hi"], gateway=gateway)
    assert completion.text.endswith("to: hi")
    assert provider.stats().requests == len(faults) + 1


def test_a_time_out_is_tried_again(provider: LoopbackProvider, gateway: Gateway) -> None:
    provider.fail_with([Hang()])
    openai_model(provider, timeout=0.3).generate(["hi"], gateway=gateway)
    assert provider.stats().requests == 2


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_the_number_of_attempts_is_the_policys(
    attempts: int, provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    provider.fail_with(itertools.repeat(Status(503)))
    with pytest.raises(ServerFailed):
        openai_model(provider).generate(["hi"], gateway=open_gateway(attempts=attempts))
    assert provider.stats().requests == attempts


def test_a_provider_that_was_never_reached_gets_few_tries_and_stops_the_run(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    provider.fail_with(itertools.repeat(Reset()))
    with pytest.raises(ProviderUnreachable, match="Check the address and that the server is up"):
        openai_model(provider).generate(["hi"], gateway=open_gateway(attempts=9))
    assert provider.stats().requests == RetryPolicy().first_contact


def test_a_provider_that_has_answered_gets_every_try_when_connections_break(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    gateway = open_gateway(attempts=5)
    openai_model(provider).generate(["first"], gateway=gateway)
    provider.fail_with([Reset()] * 4)
    openai_model(provider).generate(["hi"], gateway=gateway)
    assert provider.stats().requests == 6


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Status(400), BadRequest),
        (Status(401), AuthenticationFailed),
        (Status(404), ModelNotFound),
        (Status(422), BadRequest),
        (Status(429, error="insufficient_quota"), AuthenticationFailed),
        (Status(400, error="context_length_exceeded"), RequestRefused),
    ],
    ids=["400", "401", "404", "422", "out of credit", "too long"],
)
def test_a_refusal_is_not_tried_again(
    fault: Status, error: type[Exception], provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.fail_with(itertools.repeat(fault))
    with pytest.raises(error):
        openai_model(provider).generate(["hi"], gateway=gateway)
    assert provider.stats().requests == 1


@pytest.mark.parametrize("fault", [Status(400), Status(503), MALFORMED, Reset()])
def test_a_failure_is_never_stored(
    fault: Fault, provider: LoopbackProvider, gateway: Gateway
) -> None:
    provider.fail_with([fault] * 3)
    llm = openai_model(provider)
    with pytest.raises(Exception, match=r"answered|reached|cannot be read"):
        llm.generate(["hi"], gateway=gateway)
    assert gateway.store.count() == 0
    provider.fail_with(None)
    assert llm.generate(["hi"], gateway=gateway)[0][0].text.endswith("to: hi")


def test_the_wait_that_a_provider_asks_for_is_waited(
    provider: LoopbackProvider, open_gateway: OpenGateway
) -> None:
    arrivals: list[float] = []

    def busy_at_first(number: int, body: dict[str, Any]) -> Fault | None:
        arrivals.append(time.monotonic())
        return Status(429, {"retry-after-ms": "400"}) if number == 1 else None

    provider.fail_with(busy_at_first)
    openai_model(provider).generate(["hi"], gateway=open_gateway(attempts=2))
    assert arrivals[1] - arrivals[0] >= 0.4


@pytest.mark.parametrize(
    ("attempt", "retry_after", "shortest", "longest"),
    [
        pytest.param(1, None, 0.25, 0.5, id="first"),
        pytest.param(3, None, 1.0, 2.0, id="doubled twice"),
        pytest.param(50, None, 10.0, 20.0, id="never longer than the longest"),
        pytest.param(1, 5.0, 5.0, 5.0, id="as asked"),
        pytest.param(1, 0.0, 0.25, 0.5, id="no less than its own"),
        pytest.param(1, 9999.0, 120.0, 120.0, id="not for ever"),
    ],
)
def test_waits_grow_with_jitter_and_keep_the_providers_wish(
    attempt: int, retry_after: float | None, shortest: float, longest: float
) -> None:
    error = RateLimited("slow down", retry_after=retry_after)
    waits = [RetryPolicy().wait_after(attempt, error) for _ in range(200)]
    assert shortest <= min(waits) <= max(waits) <= longest
    assert len(set(waits)) > 100 or shortest == longest


def test_one_refused_chat_raises_its_error_and_the_others_are_kept(
    provider: LoopbackProvider, gateway: Gateway
) -> None:
    def refuse_the_bad_one(number: int, body: dict[str, Any]) -> Fault | None:
        return Status(400) if body["messages"][0]["content"] == "bad" else None

    provider.fail_with(refuse_the_bad_one)
    provider.latency = 0.1
    llm = openai_model(provider)
    chats = ["one", "two", "bad", "three"]
    with pytest.raises(BadRequest):
        llm.generate(chats, gateway=gateway)
    gateway.interrupt()
    provider.reset()
    provider.fail_with(None)
    assert len(llm.generate(chats, gateway=gateway)) == 4
    assert [body["messages"][0]["content"] for body in provider.stats().bodies] == ["bad"]
