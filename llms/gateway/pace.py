"""Requests or tokens a minute: how much may be sent now, and how long to wait for more."""

from __future__ import annotations

from llms.quota import Allowance

_MINUTE = 60.0
_BURST_SHARE = 1 / 30


class Pace:
    """An allowance that fills up continuously, told of the provider's own count with each answer.

    What is not yet known to the provider may burst by a thirtieth of a minute's worth, taken off
    the rate, so that no minute sees more than the limit. Where the provider says what remains, that
    counts: never more than it says, and at least that less what is still on its way. A thirtieth of
    a minute's worth is always left there, since what a request will use is only expected.
    """

    def __init__(self, now: float) -> None:
        self.per_minute: float | None = None
        self._level = 0.0
        self._updated = now
        self._on_the_way = 0.0

    def state(self, per_minute: float, now: float) -> None:
        """Set the user's limit; a lower one that the provider states wins."""
        if self.per_minute is None or per_minute < self.per_minute:
            self._set(per_minute, now)

    def learn(self, allowance: Allowance, now: float) -> None:
        """Take the provider's own count."""
        if allowance.limit is not None and allowance.limit > 0:
            if self.per_minute is None:
                self._set(float(allowance.limit), now)
            elif allowance.limit < self.per_minute:
                self.per_minute = float(allowance.limit)
        if allowance.remaining is None or self.per_minute is None:
            return
        self._fill(now)
        if allowance.limit is not None and allowance.limit > self.per_minute:
            return
        left = allowance.remaining - self.per_minute * _BURST_SHARE
        self._level = max(left - self._on_the_way, min(self._level, left))

    def empty(self, now: float) -> None:
        """Note that the provider has nothing left."""
        if self.per_minute is not None:
            self._fill(now)
            self._level = min(self._level, 0.0)

    def wait_for(self, amount: float, now: float) -> float:
        """Return the seconds until an amount may be sent, 0 for now."""
        if self.per_minute is None:
            return 0.0
        self._fill(now)
        missing = min(amount, self._burst) - self._level
        return max(0.0, missing / self._rate)

    def take(self, amount: float) -> None:
        """Send an amount."""
        self._level -= amount
        self._on_the_way += amount

    def settle(self, taken: float, used: float) -> None:
        """Note an answer: what was taken for it, and what it used."""
        self._on_the_way -= taken
        self._level += taken - used

    @property
    def _burst(self) -> float:
        assert self.per_minute is not None
        return max(1.0, self.per_minute * _BURST_SHARE)

    @property
    def _rate(self) -> float:
        """Units a second."""
        assert self.per_minute is not None
        return (self.per_minute - min(self._burst, self.per_minute / 2)) / _MINUTE

    def _set(self, per_minute: float, now: float) -> None:
        self.per_minute = per_minute
        self._level = self._burst - self._on_the_way
        self._updated = now

    def _fill(self, now: float) -> None:
        if self._level < self._burst:
            self._level = min(self._burst, self._level + (now - self._updated) * self._rate)
        self._updated = now
