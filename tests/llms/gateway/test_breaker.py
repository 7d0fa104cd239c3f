"""When every request fails."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from llms import CompletionStore, Gateway, RetryPolicy, Sample
from llms.errors import ProviderDown
from llms.gateway import together
from tests.llms.conftest import chat_request, openai_model
from tests.loopback import Status, loopback_provider


def test_a_provider_that_answers_nobody_stops_the_run_within_seconds_and_loses_nothing(
    store_path: Path,
) -> None:
    policy = RetryPolicy(attempts=50, first_wait=0.05, longest_wait=0.2, breaker_seconds=1.0)
    gateway = Gateway(CompletionStore(store_path), retries=policy)
    with loopback_provider() as provider:
        llm = openai_model(provider)

        async def ask(number: int, start: int = 0) -> None:
            numbers = range(start, start + number)
            await together([gateway.complete(llm, chat_request(f"{n}"), Sample()) for n in numbers])

        gateway.run(ask(20))
        provider.fail_with(lambda number, body: Status(503))
        began = time.monotonic()
        with pytest.raises(ProviderDown, match=r"answers nobody.*503") as raised:
            gateway.run(ask(40, start=20))
        assert time.monotonic() - began < 5
        assert "run again" in str(raised.value)
        provider.fail_with(None)
        gateway.run(ask(60))
        stats = provider.stats()
    gateway.close()
    assert stats.answered == 60
    assert stats.after_answer == 0


def test_failures_with_answers_between_them_stop_nothing(store_path: Path) -> None:
    policy = RetryPolicy(
        attempts=50, first_wait=0.01, longest_wait=0.02, breaker_failures=5, breaker_seconds=0.0
    )
    gateway = Gateway(CompletionStore(store_path), retries=policy)
    with loopback_provider(fault=lambda n, body: Status(500) if n % 3 else None) as provider:
        llm = openai_model(provider, max_concurrent_requests=1)

        async def ask() -> None:
            for number in range(20):
                await gateway.complete(llm, chat_request(f"{number}"), Sample())

        gateway.run(ask())
        assert provider.stats().answered == 20
    gateway.close()
