"""What providers say of their limits in headers, in the spellings that are in use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from llms.quota import Allowance, Quota

_REQUESTS = (
    "x-ratelimit-{}-requests",
    "x-ratelimit-{}-req-minute",
    "anthropic-ratelimit-requests-{}",
)
_TOKENS = (
    "x-ratelimit-{}-tokens",
    "x-ratelimit-{}-tokens-minute",
    "x-ratelimitbysize-{}-minute",
    "anthropic-ratelimit-tokens-{}",
    "anthropic-ratelimit-input-tokens-{}",
)
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|ns|d|h|m|s)")


def quota_of(headers: Mapping[str, str]) -> Quota | None:
    """Return the limits that headers state, None where they state none.

    Read are the headers of OpenAI and its like (`x-ratelimit-remaining-requests`), of Mistral
    (`x-ratelimit-remaining-req-minute`) and of Anthropic (`anthropic-ratelimit-tokens-remaining`).
    """
    stated = {name: value for raw, value in headers.items() if "ratelimit" in (name := raw.lower())}
    if not stated:
        return None
    requests, tokens = _allowance(stated, _REQUESTS), _allowance(stated, _TOKENS)
    return Quota(requests, tokens) if requests or tokens else None


def seconds_until(value: str, now: datetime | None = None) -> float | None:
    """Return the seconds that a limit's reset names: `12`, `6m0s`, `120ms` or an RFC 3339 date."""
    text = value.strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    if text and not _DURATION.sub("", text):
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def _allowance(stated: Mapping[str, str], spellings: tuple[str, ...]) -> Allowance | None:
    for spelling in spellings:
        limit = _number(stated.get(spelling.format("limit")))
        remaining = _number(stated.get(spelling.format("remaining")))
        reset = seconds_until(stated.get(spelling.format("reset"), ""))
        if limit is not None or remaining is not None:
            return Allowance(limit, remaining, reset)
    return None


def _number(value: str | None) -> int | None:
    try:
        return None if value is None else int(float(value))
    except (ValueError, OverflowError):
        return None
