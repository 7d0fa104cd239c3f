"""When a request is tried again, and how long to wait before it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from llms.errors import TransientError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Tries and waits (seconds) for transient errors: exponential with jitter.

    A refusal for the rate is no failed try: the limiter says when to try again, until the provider
    has answered nothing for `patience` seconds. A provider that has never answered and cannot be
    reached gets `first_contact` tries only. After `breaker_failures` failures over
    `breaker_seconds`, with no answer between them, the provider counts as down.
    """

    attempts: int = 6
    first_contact: int = 3
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_wish: float = 120.0
    patience: float = 600.0
    breaker_failures: int = 10
    breaker_seconds: float = 10.0

    def wait_after(self, attempt: int, error: TransientError) -> float:
        """Return the seconds to wait after the given failed attempt, counted from 1."""
        wait = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        jittered = random.uniform(wait / 2, wait)
        if error.retry_after is None:
            return jittered
        return max(jittered, min(error.retry_after, self.longest_wish))
