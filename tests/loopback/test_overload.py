"""Slots: a provider that works on so many requests at once."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.loopback import LoopbackProvider, loopback_provider


def ask(provider: LoopbackProvider, number: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=20)
    try:
        body = {"model": "m", "messages": [{"role": "user", "content": str(number)}]}
        connection.request("POST", "/v1/chat/completions", json.dumps(body))
        response = connection.getresponse()
        assert "retry-after" not in {name.lower() for name, _ in response.getheaders()}
        return response.status
    finally:
        connection.close()


def ask_all(provider: LoopbackProvider, requests: int) -> Counter[int]:
    with ThreadPoolExecutor(requests) as threads:
        return Counter(threads.map(lambda number: ask(provider, number), range(requests)))


def test_what_finds_no_slot_waits() -> None:
    with loopback_provider(latency=0.1, slots=2) as provider:
        started = time.monotonic()
        assert ask_all(provider, 6) == {200: 6}
        assert time.monotonic() - started >= 0.3
        assert provider.stats().most_in_flight > 2
        assert provider.stats().refused == 0


@pytest.mark.parametrize("status", [429, 503])
def test_what_finds_no_slot_is_refused_by_switch(status: int) -> None:
    with loopback_provider(
        latency=0.5, slots=2, overload="refuse", overload_status=status
    ) as provider:
        assert ask_all(provider, 6) == {200: 2, status: 4}
        assert (provider.stats().answered, provider.stats().refused) == (2, 4)
        assert ask(provider, 7) == 200
