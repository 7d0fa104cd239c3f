"""What a provider says of its own limits, in the headers of its answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit of a provider: `limit` in each minute, `remaining` now, full again in `reset`
    seconds. What the provider does not say is None.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of an account's limits of requests and of tokens."""

    requests: Allowance | None = None
    tokens: Allowance | None = None
