"""Requests and tokens a minute, by a clock that the test holds."""

from __future__ import annotations

from llms.gateway.pace import Pace
from llms.quota import Allowance


def _sent_in(pace: Pace, seconds: float, amount: float = 1.0, start: float = 0.0) -> int:
    """Send whatever may be sent, each answered at once; return how many were."""
    now, sent = start, 0
    while True:
        wait = pace.wait_for(amount, now)
        if now + wait > start + seconds:
            return sent
        now += wait + 1e-9
        pace.take(amount)
        pace.settle(amount, amount)
        sent += 1


def test_without_a_limit_nothing_waits() -> None:
    assert Pace(0.0).wait_for(1_000_000, 0.0) == 0


def test_a_stated_limit_is_nearly_used_and_never_passed_in_any_minute() -> None:
    pace = Pace(0.0)
    pace.state(600, 0.0)
    first, second = _sent_in(pace, 60), _sent_in(pace, 60, start=60)
    assert 570 <= first <= 600
    assert 570 <= second <= 600


def test_an_amount_larger_than_a_burst_goes_out_and_is_waited_for_afterwards() -> None:
    pace = Pace(0.0)
    pace.state(6_000, 0.0)
    assert pace.wait_for(3_000, 0.0) == 0
    pace.take(3_000)
    pace.settle(3_000, 3_000)
    assert 25 < pace.wait_for(200, 0.0) < 35


def test_what_the_provider_says_is_left_may_be_used_at_once_but_for_a_thirtieth() -> None:
    pace = Pace(0.0)
    pace.learn(Allowance(limit=600, remaining=500), 0.0)
    assert _sent_in(pace, 0.001) == 480


def test_what_is_still_on_its_way_is_taken_off_what_the_provider_says() -> None:
    pace = Pace(0.0)
    pace.learn(Allowance(limit=600, remaining=500), 0.0)
    for _ in range(100):
        pace.take(1)
    pace.learn(Allowance(limit=600, remaining=450), 0.0)
    assert 330 <= _sent_in(pace, 0.001) <= 400


def test_a_provider_that_counts_more_than_expected_is_believed() -> None:
    pace = Pace(0.0)
    pace.learn(Allowance(limit=40_000, remaining=30_000), 0.0)
    pace.take(100)
    pace.settle(100, 100)
    pace.learn(Allowance(limit=40_000, remaining=100), 0.0)
    assert pace.wait_for(1_000, 0.0) > 1


def test_the_users_lower_limit_wins_over_the_providers_higher_one() -> None:
    pace = Pace(0.0)
    pace.state(60, 0.0)
    pace.learn(Allowance(limit=600, remaining=600), 0.0)
    assert _sent_in(pace, 60) <= 60


def test_the_providers_lower_limit_wins_over_the_users_higher_one() -> None:
    pace = Pace(0.0)
    pace.state(600, 0.0)
    pace.learn(Allowance(limit=60, remaining=0), 0.0)
    assert _sent_in(pace, 60) <= 60
