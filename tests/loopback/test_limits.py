"""Rate limits: what they refuse, and what they tell."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.loopback import Limits, LoopbackProvider, fixed_reply, loopback_provider
from tests.loopback.faults import Status
from tests.loopback.limits import RateLimiter, duration, prompt_tokens

BODY = {"model": "m", "messages": [{"role": "user", "content": "x" * 40}], "max_tokens": 100}
PROMPT = prompt_tokens(BODY)


def ask(provider: LoopbackProvider) -> tuple[int, dict[str, str], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=20)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(BODY))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, json.load(response)
    finally:
        connection.close()


class Clock:
    """Stands still until it is set."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(limiter: RateLimiter, tries: int, answer_tokens: int = 0) -> int:
    return sum(limiter.admit(BODY, answer_tokens)[0] is None for _ in range(tries))


def test_a_bucket_refills_all_the_time() -> None:
    clock = Clock()
    limiter = RateLimiter(Limits(requests_per_minute=60), clock)
    assert admitted(limiter, 70) == 60
    clock.now += 2.5
    assert admitted(limiter, 70) == 2
    clock.now += 600
    assert admitted(limiter, 70) == 60


def test_a_small_burst_holds_less_than_a_minute() -> None:
    clock = Clock()
    limiter = RateLimiter(Limits(requests_per_minute=60, burst=0.1), clock)
    assert admitted(limiter, 70) == 6
    clock.now += 1
    assert admitted(limiter, 70) == 1


def test_a_window_starts_anew_with_each_minute_and_not_before() -> None:
    clock = Clock()
    limiter = RateLimiter(Limits(requests_per_minute=3, kind="window", minute=10), clock)
    assert admitted(limiter, 5) == 3
    clock.now += 9.9
    assert admitted(limiter, 5) == 0
    clock.now += 0.2
    assert admitted(limiter, 5) == 3


@pytest.mark.parametrize(
    ("count_max_tokens", "cost"), [(True, PROMPT + 100), (False, PROMPT + 7)], ids=["max", "said"]
)
def test_tokens_are_counted_with_max_tokens_or_the_answers(
    count_max_tokens: bool, cost: int
) -> None:
    limits = Limits(tokens_per_minute=3 * cost, count_max_tokens=count_max_tokens)
    limiter = RateLimiter(limits, Clock())
    assert limiter.admit(BODY, 7) == (None, cost)
    assert admitted(limiter, 10, answer_tokens=7) == 2


def test_a_refusal_has_openais_shape_and_headers() -> None:
    limits = Limits(
        requests_per_minute=1,
        tokens_per_minute=1000,
        kind="window",
        headers="openai",
        retry_after="milliseconds",
    )
    with loopback_provider(reply=fixed_reply("a b"), limits=limits) as provider:
        status, headers, _ = ask(provider)
        assert status == 200
        assert headers["x-ratelimit-limit-requests"] == "1"
        assert headers["x-ratelimit-remaining-requests"] == "0"
        assert headers["x-ratelimit-reset-requests"].endswith("s")
        assert headers["x-ratelimit-limit-tokens"] == "1000"
        assert headers["x-ratelimit-remaining-tokens"] == str(1000 - PROMPT - 2)
        status, headers, body = ask(provider)
        assert status == 429
        assert body["error"]["code"] == "rate_limit_exceeded"
        assert 0 < int(headers["retry-after-ms"]) <= 60_000
        assert 0 < int(headers["retry-after"]) <= 60
        stats = provider.stats()
        assert (stats.requests, stats.answered, stats.refused) == (2, 1, 1)


def test_mistrals_headers_tell_of_a_minute_and_of_the_cost() -> None:
    limits = Limits(requests_per_minute=5, tokens_per_minute=9000, kind="window", headers="mistral")
    with loopback_provider(reply=fixed_reply("a b"), limits=limits) as provider:
        _, headers, _ = ask(provider)
    assert {name: value for name, value in headers.items() if "ratelimit" in name} == {
        "x-ratelimit-limit-req-minute": "5",
        "x-ratelimit-remaining-req-minute": "4",
        "x-ratelimit-limit-tokens-minute": "9000",
        "x-ratelimit-remaining-tokens-minute": str(9000 - PROMPT - 2),
        "x-ratelimit-tokens-query-cost": str(PROMPT + 2),
    }


@pytest.mark.parametrize(
    ("retry_after", "names", "read"),
    [
        ("seconds", {"retry-after"}, int),
        ("date", {"retry-after"}, lambda text: parsedate_to_datetime(text).timestamp()),
        ("milliseconds", {"retry-after", "retry-after-ms"}, int),
        (None, set(), None),
    ],
    ids=["seconds", "date", "milliseconds", "none"],
)
def test_a_refusal_says_when_to_come_back_in_the_chosen_way(
    retry_after: Any, names: set[str], read: Callable[[str], float] | None
) -> None:
    limiter = RateLimiter(Limits(requests_per_minute=1, retry_after=retry_after), Clock())
    assert admitted(limiter, 1) == 1
    refusal, _ = limiter.admit(BODY, 0)
    assert isinstance(refusal, Status)
    assert set(refusal.headers) == names
    assert all(read is not None and read(value) > 0 for value in refusal.headers.values())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.12, "120ms"), (1, "1s"), (7.66, "7.66s"), (360, "6m0s"), (3600, "1h0m0s")],
)
def test_a_duration_is_written_as_openai_writes_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
