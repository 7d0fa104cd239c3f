"""`Limiter`: when a request may go out, by what the user, the provider and experience say."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from llms.errors import RateLimited, RequestTimedOut, TransientError
from llms.gateway.pace import Pace
from llms.gateway.slots import Slots
from llms.model import Model
from llms.quota import Quota

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Permit:
    """Leave to send one request."""

    slots: Slots
    tokens: float
    sent: float


class Limiter:
    """The limits of one account and model, shared by everything in this process that uses them.

    A request waits for a slot, for its share of the requests and tokens a minute, and for the end
    of a pause that the provider asked for. An episode of refusals, from the first one to the
    answers of what was already in flight, counts once: one cut of the slots, one pause. A
    provider's wish to wait is kept up to `longest_wish` seconds, and tried again after these.
    """

    def __init__(self, longest_wish: float) -> None:
        now = time.monotonic()
        self._longest_wish = longest_wish
        self.requests = Pace(now)
        self.tokens = Pace(now)
        self._found_out = Slots()
        self._fixed: dict[int, Slots] = {}
        self._paused_until = 0.0
        self._episode_began = 0.0
        self._episodes = 0
        self._gate = asyncio.Lock()
        self._tokens_per_character = 0.3
        self._usual_output = 0.0

    def _slots_of(self, model: Model) -> Slots:
        """Return the slots for a model's requests."""
        limit = model.max_concurrent_requests
        if limit is None:
            return self._found_out
        if limit not in self._fixed:
            self._fixed[limit] = Slots(limit)
        return self._fixed[limit]

    async def acquire(self, model: Model, characters: int, most_output: int | None) -> Permit:
        """Wait until a request may go out; its length and limit tell how many tokens to expect.

        What is expected is told when its turn comes: by then more is known than when it asked.
        """
        now = time.monotonic()
        if model.requests_per_minute is not None:
            self.requests.state(model.requests_per_minute, now)
        if model.tokens_per_minute is not None:
            self.tokens.state(model.tokens_per_minute, now)
        slots = self._slots_of(model)
        await slots.acquire()
        try:
            tokens = self._estimate(characters, most_output)
            if self._gate.locked() or self._seconds_to_wait(tokens, time.monotonic()):
                async with self._gate:
                    tokens = await self._wait_for_turn(characters, most_output)
            self._take(tokens)
        except BaseException:
            slots.release()
            raise
        return Permit(slots, tokens, time.monotonic())

    def answered(
        self,
        permit: Permit,
        characters: int,
        input_tokens: int,
        output_tokens: int,
        quota: Quota | None,
    ) -> None:
        """Note an answer and give its slot back."""
        self._settle(permit, float(input_tokens + output_tokens))
        if input_tokens and characters:
            self._tokens_per_character += 0.1 * (
                input_tokens / characters - self._tokens_per_character
            )
        self._usual_output += 0.1 * (output_tokens - self._usual_output)
        if permit.sent > self._episode_began:
            self._episodes = 0
        self._learn(quota)
        permit.slots.grow()
        permit.slots.release()

    def failed(self, permit: Permit, error: BaseException) -> None:
        """Note a failure and give its slot back."""
        self._settle(permit, 0.0)
        if isinstance(error, TransientError):
            self._learn(error.quota)
        if isinstance(error, RateLimited):
            self._refused(permit, error)
        elif isinstance(error, RequestTimedOut) and permit.sent > self._episode_began:
            self._begin_episode(permit, cut=True)
        permit.slots.release()

    def _refused(self, permit: Permit, error: RateLimited) -> None:
        now = time.monotonic()
        exhausted = self._note_exhaustion(permit, error.quota, now)
        pause = 0.0
        if permit.sent > self._episode_began:
            self._episodes += 1
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._episodes - 1))
            self._begin_episode(permit, cut=not exhausted)
        if error.retry_after is not None:
            pause = min(error.retry_after, self._longest_wish)
        self._paused_until = max(self._paused_until, now + pause)

    def _note_exhaustion(self, permit: Permit, quota: Quota | None, now: float) -> bool:
        """Tell whether the provider refused for what it counts by the minute, not for the crowd."""
        if quota is None:
            return False
        exhausted = False
        for pace, allowance, amount in (
            (self.requests, quota.requests, 1.0),
            (self.tokens, quota.tokens, permit.tokens),
        ):
            if allowance and allowance.remaining is not None and allowance.remaining < 2 * amount:
                pace.empty(now)
                exhausted = True
        return exhausted

    def _begin_episode(self, permit: Permit, *, cut: bool) -> None:
        self._episode_began = time.monotonic()
        if cut:
            permit.slots.cut()

    def _estimate(self, characters: int, most_output: int | None) -> float:
        """Return the tokens that a request will probably use, by the answers so far."""
        output = self._usual_output or min(most_output or 256, 256)
        return characters * self._tokens_per_character + output

    async def _wait_for_turn(self, characters: int, most_output: int | None) -> float:
        """Wait until there is room, and return the tokens to take of it."""
        tokens = self._estimate(characters, most_output)
        if not (wait := self._seconds_to_wait(tokens, time.monotonic())):
            return tokens
        await asyncio.sleep(wait)
        return await self._wait_for_turn(characters, most_output)

    def _seconds_to_wait(self, tokens: float, now: float) -> float:
        return max(
            self._paused_until - now,
            self.requests.wait_for(1.0, now),
            self.tokens.wait_for(tokens, now),
            0.0,
        )

    def _take(self, tokens: float) -> None:
        self.requests.take(1.0)
        self.tokens.take(tokens)

    def _settle(self, permit: Permit, used: float) -> None:
        self.requests.settle(1.0, 1.0)
        self.tokens.settle(permit.tokens, used)

    def _learn(self, quota: Quota | None) -> None:
        if quota is None:
            return
        now = time.monotonic()
        if quota.requests is not None:
            self.requests.learn(quota.requests, now)
        if quota.tokens is not None:
            self.tokens.learn(quota.tokens, now)
