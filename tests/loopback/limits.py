"""Rate limits as the services keep them, with the headers in which they tell of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from tests.loopback.faults import Status

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an account may ask.

    A "bucket" refills all the time and holds `burst` minutes' worth, a "window" starts anew with
    each minute; `minute` is how long a minute is, in seconds. A request counts when it arrives,
    with its prompt's tokens and either its `max_tokens` or the tokens of its answer; one that is
    refused does not count. `headers` are told with every answer, `retry_after` with refusals:
    OpenAI's "milliseconds" come with whole seconds beside them.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    kind: Literal["bucket", "window"] = "bucket"
    headers: Literal["openai", "mistral", "anthropic"] | None = None
    retry_after: Literal["seconds", "milliseconds", "date"] | None = None
    count_max_tokens: bool = False
    burst: float = 1.0
    minute: float = 60.0


def prompt_tokens(body: dict[str, Any]) -> int:
    """Return about how many tokens a request's texts have."""
    asked = next((body[name] for name in ("messages", "input", "prompt") if name in body), None)
    return math.ceil(len(str(asked)) / _CHARACTERS_PER_TOKEN)


@dataclass(slots=True)
class _Allowance:
    """What is left of one limit; times are those of the clock it is asked with."""

    limit: int
    limits: Limits
    left: float = field(init=False)
    since: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self.capacity
        self.since = 0.0

    @property
    def capacity(self) -> float:
        return self.limit * (self.limits.burst if self.limits.kind == "bucket" else 1.0)

    def refill(self, now: float) -> None:
        minutes = (now - self.since) / self.limits.minute
        if self.limits.kind == "bucket":
            self.left = min(self.capacity, self.left + minutes * self.limit)
            self.since = now
        elif minutes >= 1:
            self.left = self.capacity
            self.since += math.floor(minutes) * self.limits.minute

    def wait(self, cost: float, now: float) -> float:
        """Seconds until there is room for the cost; 0 where there is."""
        if self.left >= cost:
            return 0.0
        if self.limits.kind == "window":
            return self.since + self.limits.minute - now
        return (cost - self.left) / self.limit * self.limits.minute

    def full_again(self, now: float) -> float:
        """Seconds until nothing is used."""
        return self.wait(self.capacity, now)


class RateLimiter:
    """Keeps the limits of one provider."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._start = clock()
        self._requests = self._allowance(limits.requests_per_minute)
        self._tokens = self._allowance(limits.tokens_per_minute)

    def _allowance(self, limit: int | None) -> _Allowance | None:
        return None if limit is None else _Allowance(limit, self._limits)

    def admit(self, body: dict[str, Any], answer_tokens: int) -> tuple[Status | None, int]:
        """Count a request, or return how it is refused; and its tokens."""
        now = self._clock() - self._start
        said = answer_tokens
        if self._limits.count_max_tokens:
            said = body.get("max_tokens") or body.get("max_completion_tokens") or answer_tokens
        cost = prompt_tokens(body) + said
        costs = [(self._requests, 1, "requests"), (self._tokens, cost, "tokens")]
        kept = [(allowance, price, unit) for allowance, price, unit in costs if allowance]
        for allowance, price, unit in kept:
            allowance.refill(now)
            wait = allowance.wait(price, now)
            if wait:
                return self._refusal(allowance, unit, wait, cost), cost
        for allowance, price, _ in kept:
            allowance.left -= price
        return None, cost

    def _refusal(self, allowance: _Allowance, unit: str, wait: float, cost: int) -> Status:
        message = (
            f"Rate limit of {allowance.limit} {unit} per minute reached;"
            f" try again in {duration(wait)}."
        )
        headers = {**self.headers(cost), **self._retry_after(wait)}
        return Status(429, headers, "rate_limit_exceeded", message)

    def _retry_after(self, wait: float) -> dict[str, str]:
        match self._limits.retry_after:
            case "seconds":
                return {"retry-after": str(math.ceil(wait))}
            case "milliseconds":
                milliseconds = str(math.ceil(wait * 1000))
                return {"retry-after-ms": milliseconds, "retry-after": str(math.ceil(wait))}
            case "date":
                date = datetime.now(UTC) + timedelta(seconds=math.ceil(wait))
                return {"retry-after": format_datetime(date, usegmt=True)}
        return {}

    def headers(self, cost: int) -> dict[str, str]:
        """Return what a service tells of its limits with an answer that cost these tokens."""
        now = self._clock() - self._start
        match self._limits.headers:
            case "openai":
                return self._openai_headers(now)
            case "mistral":
                return self._mistral_headers(cost)
            case "anthropic":
                return self._anthropic_headers(now)
        return {}

    def _openai_headers(self, now: float) -> dict[str, str]:
        headers = {}
        for unit, allowance in (("requests", self._requests), ("tokens", self._tokens)):
            if allowance is not None:
                headers[f"x-ratelimit-limit-{unit}"] = str(allowance.limit)
                headers[f"x-ratelimit-remaining-{unit}"] = str(int(allowance.left))
                headers[f"x-ratelimit-reset-{unit}"] = duration(allowance.full_again(now))
        return headers

    def _mistral_headers(self, cost: int) -> dict[str, str]:
        headers = {"x-ratelimit-tokens-query-cost": str(cost)}
        for unit, allowance in (("req", self._requests), ("tokens", self._tokens)):
            if allowance is not None:
                headers[f"x-ratelimit-limit-{unit}-minute"] = str(allowance.limit)
                headers[f"x-ratelimit-remaining-{unit}-minute"] = str(int(allowance.left))
        return headers

    def _anthropic_headers(self, now: float) -> dict[str, str]:
        headers = {}
        for unit, allowance in (("requests", self._requests), ("tokens", self._tokens)):
            if allowance is not None:
                full = datetime.now(UTC) + timedelta(seconds=allowance.full_again(now))
                name = f"anthropic-ratelimit-{unit}"
                headers[f"{name}-limit"] = str(allowance.limit)
                headers[f"{name}-remaining"] = str(int(allowance.left))
                headers[f"{name}-reset"] = full.strftime("%Y-%m-%dT%H:%M:%SZ")
        return headers


def duration(seconds: float) -> str:
    """Return a time as OpenAI writes it in headers: 120ms, 1s, 7.66s, 6m0s, 1h0m0s."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{round(rest, 3):g}s"
    if hours:
        return f"{hours:.0f}h{minutes:.0f}m{text}"
    return f"{minutes:.0f}m{text}" if minutes else text
