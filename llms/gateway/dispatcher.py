"""`Dispatcher`: sends a request until it is answered, within the limits of its account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from llms.chat import Usage
from llms.errors import ProviderRefused, RateLimited, TransientError
from llms.gateway.limiter import Limiter
from llms.gateway.standing import Standing
from llms.model import Model
from llms.quota import Quota
from llms.retries import RetryPolicy


class Brought(Protocol):
    """What a call brings, as far as limits are concerned."""

    @property
    def quota(self) -> Quota | None: ...


R = TypeVar("R", bound=Brought)


@dataclass(slots=True)
class Sending:
    """A request on its way: whether anybody waits for it, and whether the provider has it."""

    waiters: int = 1
    sent: bool = False
    asked: float = field(default_factory=time.monotonic)


class Dispatcher:
    """Owns the connections, limits and standing of every account of this process."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._clients: dict[str, asyncio.Task[Any]] = {}
        self._owners: dict[str, Model] = {}
        self._limiters: dict[str, Limiter] = {}
        self._standings: dict[str, Standing] = {}

    async def send(
        self,
        model: Model,
        call: Callable[[Any], Awaitable[R]],
        usage_of: Callable[[R], Usage],
        sending: Sending,
        *,
        characters: int,
        most_output: int | None,
    ) -> R:
        """Make a call with the account's client until it is answered.

        `characters` is the length of what is sent; it and `most_output` tell how many tokens to
        expect.

        Raises:
            LLMError: no answer came, after the tries that the error is worth.
        """
        account = model.account
        if account not in self._limiters:
            self._limiters[account] = Limiter(self._policy.longest_wish)
            self._standings[account] = Standing(self._policy)
        limiter, standing = self._limiters[account], self._standings[account]
        attempt = 1
        while True:
            permit = await limiter.acquire(model, characters, most_output)
            try:
                standing.raise_if_refused(sending.asked)
                client = await self._client(model)
                sending.sent = True
                brought = await call(client)
            except BaseException as error:
                limiter.failed(permit, error)
                if isinstance(error, ProviderRefused):
                    standing.refused(error)
                if not isinstance(error, TransientError):
                    raise
                sending.sent = False
                standing.failed(error, attempt, sending.asked)
                if not sending.waiters:
                    raise
                if isinstance(error, RateLimited):
                    continue
                wait = self._policy.wait_after(attempt, error)
                attempt += 1
            else:
                usage = usage_of(brought)
                limiter.answered(
                    permit, characters, usage.input_tokens, usage.output_tokens, brought.quota
                )
                standing.answered()
                return brought
            await asyncio.sleep(wait)

    async def _client(self, model: Model) -> Any:
        """Return the account's client, opened once."""
        opening = self._clients.get(model.account)
        if opening is None or (opening.done() and opening.exception() is not None):
            opening = asyncio.create_task(asyncio.to_thread(model.connect))
            self._clients[model.account] = opening
            self._owners[model.account] = model
        return await asyncio.shield(opening)

    async def close(self) -> None:
        """Release all clients."""
        for account, opening in self._clients.items():
            if opening.done() and opening.exception() is None:
                await self._owners[account].close(opening.result())
        self._clients.clear()
        self._limiters.clear()
        self._standings.clear()
