"""How an account fares: whether another try is worth it, and when trying ends for all."""

from __future__ import annotations

import time

from llms.errors import (
    ConnectionFailed,
    ProviderDown,
    ProviderRefused,
    ProviderUnreachable,
    RateLimited,
    TransientError,
)
from llms.retries import RetryPolicy


class Standing:
    """How one account has fared in this process: met, failing, refused or down."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._met = False
        self._answered = time.monotonic()
        self._failures = 0
        self._failing_since = 0.0
        self._refused_at = 0.0
        self._refusal: ProviderRefused | None = None

    def answered(self) -> None:
        """Note an answer."""
        self._met = True
        self._answered = time.monotonic()
        self._failures = 0

    def refused(self, error: ProviderRefused) -> ProviderRefused:
        """Note that no request will succeed, and return the error."""
        self._refused_at = time.monotonic()
        self._refusal = error
        return error

    def raise_if_refused(self, since: float) -> None:
        """Spare requests that waited while the provider refused another one.

        Raises:
            ProviderRefused: the provider refused since then.
        """
        if self._refusal is not None and self._refused_at > since:
            raise type(self._refusal)(str(self._refusal))

    def failed(self, error: TransientError, attempt: int, asked: float) -> None:
        """Note a failed try; return if another one may follow.

        Raises:
            ProviderRefused: the provider cannot be reached, or answers nobody any more.
            TransientError: the request has had its tries.
        """
        now = time.monotonic()
        if isinstance(error, RateLimited):
            self._met = True
            if now - max(self._answered, asked) > self._policy.patience:
                raise error
            return
        if not isinstance(error, ConnectionFailed):
            self._met = True
        elif attempt >= self._policy.first_contact and not self._met:
            raise self.refused(
                ProviderUnreachable(f"{error} Check the address and that the server is up.")
            ) from error
        if not self._failures:
            self._failing_since = now
        self._failures += 1
        lasted = now - self._failing_since
        if (
            self._failures >= self._policy.breaker_failures
            and lasted >= self._policy.breaker_seconds
        ):
            count, self._failures = self._failures, 0
            raise self.refused(
                ProviderDown(
                    f"The provider answers nobody: all {count} requests of the last {lasted:.0f} "
                    f"seconds failed, the last one with: {error} What was answered is kept; run "
                    f"again when the provider is back."
                )
            ) from error
        if attempt >= self._policy.attempts:
            raise error
