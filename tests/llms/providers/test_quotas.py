"""The spellings in which providers state their limits."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llms.providers.quotas import quota_of, seconds_until
from llms.quota import Allowance, Quota

_NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        ("7.66", 7.66),
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("1h30m", 5400.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("2026-01-01T12:00:30Z", 30.0),
        ("2026-01-01T13:00:30+01:00", 30.0),
        ("2026-01-01T12:00:30", 30.0),
        ("2025-01-01T12:00:00Z", 0.0),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
    ],
)
def test_a_reset_is_read_as_seconds_from_now(value: str, seconds: float | None) -> None:
    assert seconds_until(value, _NOW) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "quota"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"x-ratelimit-reset-requests": "1s"}, None, id="only a reset"),
        pytest.param({"x-ratelimit-limit-requests": "many"}, None, id="no number"),
        pytest.param(
            {"X-RateLimit-Limit-Requests": "60", "X-RateLimit-Remaining-Requests": "0"},
            Quota(Allowance(60, 0)),
            id="OpenAI in capitals",
        ),
        pytest.param(
            {
                "x-ratelimit-limit-req-minute": "720",
                "x-ratelimit-remaining-req-minute": "717",
                "x-ratelimit-limit-tokens-minute": "5000000",
                "x-ratelimit-remaining-tokens-minute": "4999911",
            },
            Quota(Allowance(720, 717), Allowance(5000000, 4999911)),
            id="Mistral",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-input-tokens-limit": "1000",
                "anthropic-ratelimit-input-tokens-remaining": "900",
                "anthropic-ratelimit-input-tokens-reset": "5",
            },
            Quota(None, Allowance(1000, 900, 5.0)),
            id="Anthropic",
        ),
    ],
)
def test_limits_are_read_in_every_spelling(headers: dict[str, str], quota: Quota | None) -> None:
    assert quota_of(headers) == quota
