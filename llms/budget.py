"""`Budget`: what may be spent; `Purse`: whom the calls of a run are charged to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field

from llms.chat import ChatRequest, Usage
from llms.config import Config
from llms.errors import BudgetExceeded, ConfigurationError
from llms.llm import LLM, CompositeLLM
from llms.model import Model
from llms.prices import amount_of, rates_of
from llms.spending import NANODOLLARS, NOTHING, Amount, Booking, Limit, dollars
from llms.store import CompletionStore, this_process

_DRAWN_AT_ONCE = 16
_PATIENCE_WITH_OTHERS = 60.0
# a job takes hours, but one whose answers have come is about to give back the rest
_PATIENCE_WITH_JOBS = 1.0
_LOOK_AGAIN = 0.5
_RENEWED_EVERY = 40.0
_TOKENS_OF_A_TURN = 16
_TOKENS_OF_A_REQUEST = 64
_MOST_TOKENS_OF_AN_IMAGE = 50_000


class Budget(Config):
    """The most that may be spent: US dollars, tokens (in and out), requests. None is no limit."""

    usd: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    requests: int | None = Field(default=None, ge=0)

    @property
    def limit(self) -> Limit:
        """The same in exact amounts."""
        money = None if self.usd is None else round(self.usd * NANODOLLARS)
        return Limit(money, self.tokens, self.requests)

    def __str__(self) -> str:
        parts = [] if self.usd is None else [dollars(self.usd)]
        parts += [] if self.tokens is None else [f"{self.tokens:,} tokens"]
        parts += [] if self.requests is None else [f"{self.requests:,} requests"]
        return " and ".join(parts) or "no limit"


@dataclass(slots=True)
class _Account:
    """A limited account: `drawn` is reserved in the ledger, `promised` to requests on their way.

    `ahead` is for how many further requests it draws at once; fewer when the limit is near.
    """

    name: str
    budget: Budget
    drawn: Amount = NOTHING
    promised: Amount = NOTHING
    ahead: int = _DRAWN_AT_ONCE


class Purse:
    """Charges calls to accounts of the ledger, each with a budget or with none.

    Before a request goes out, the most that it can cost is reserved; its real cost is booked in
    the transaction that stores its answer. So requests in flight never spend more than the budget,
    what is booked survives a kill, and an answer is never counted twice. Reservations are drawn
    from the ledger several requests at a time, so that processes can share a budget.
    """

    def __init__(
        self, store: CompletionStore, pipeline: str, accounts: Mapping[str, Budget | None]
    ) -> None:
        self._store = store
        self._accounts = [_Account(name, limit) for name, limit in accounts.items() if limit]
        self._names = tuple(accounts)
        self._pipeline = pipeline
        self._holder = this_process() if self._accounts else ""
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()
        self._used_up: BudgetExceeded | None = None

    def check(self, model: Model) -> None:
        """Refuse a model that a budget cannot count, before any call.

        Raises:
            ConfigurationError: its price, or the most that it can answer, is not known.
        """
        if isinstance(model, CompositeLLM):
            for member in model.members:
                self.check(member)
            return
        for account in self._accounts:
            if account.budget.usd is not None and rates_of(model) is None:
                raise ConfigurationError(
                    f"The price of {model.provider}:{model.model} is not known, so a budget in US "
                    f"dollars cannot hold; give price={{'input': ..., 'output': ...}} in US "
                    f"dollars for a million tokens, or limit tokens or requests instead."
                )
            counts_tokens = account.budget.usd is not None or account.budget.tokens is not None
            if counts_tokens and isinstance(model, LLM) and _most_output(model) is None:
                raise ConfigurationError(
                    f"Nothing bounds what one answer of {model.provider}:{model.model} can cost; "
                    f"set max_new_tokens in its generation_kwargs to use it with a budget."
                )

    def booking(self, amount: Amount) -> Booking:
        """Return the charge for an answer."""
        return Booking(self._names, self._pipeline, self._holder, amount)

    async def reserve(self, most: Amount) -> None:
        """Hold the most that a request can cost while it is on its way.

        Raises:
            BudgetExceeded: there is no room for it, and none will come.
        """
        if self._accounts:
            async with self._turn:
                await self._promise(most)

    def settle(self, most: Amount, used: Amount) -> None:
        """Note what a request came to; that is booked already."""
        for account in self._accounts:
            account.promised -= most
            account.drawn -= used
        self._settled.set()

    async def keep_alive(self) -> None:
        """Renew the reservations for as long as the run lasts."""
        while self._accounts:
            await asyncio.sleep(_RENEWED_EVERY)
            await self._store.renew(self._holder)

    async def close(self) -> None:
        """Give back what is reserved and not spent."""
        if self._accounts:
            await self._store.release(self._holder)

    async def _promise(self, most: Amount) -> None:
        if self._used_up is not None:
            raise BudgetExceeded(str(self._used_up))
        promised: list[_Account] = []
        try:
            for account in self._accounts:
                await self._draw(account, most)
                account.promised += most
                promised.append(account)
        except BaseException:
            for account in promised:
                account.promised -= most
            raise

    async def _draw(self, account: _Account, most: Amount) -> None:
        """Make sure that an account has an amount to promise."""
        waited = 0.0
        while True:
            self._settled.clear()
            missing = _missing(account.promised + most, account.drawn)
            if missing == NOTHING:
                return
            if await self._reserve(account, missing + _times(most, account.ahead)):
                return
            if account.ahead:
                account.ahead //= 2
                continue
            if account.promised != NOTHING:
                await self._settled.wait()
                continue
            if account.drawn != NOTHING:
                await self._give_back(account)
                continue
            if waited >= await self._patience(account):
                self._used_up = await self._exceeded(account, most)
                raise self._used_up
            await asyncio.sleep(_LOOK_AGAIN)
            waited += _LOOK_AGAIN

    async def _reserve(self, account: _Account, amount: Amount) -> bool:
        limit = account.budget.limit
        if not await self._store.reserve(account.name, self._holder, amount, limit):
            return False
        account.drawn += amount
        return True

    async def _patience(self, account: _Account) -> float:
        """Return the seconds that are worth waiting for what others have reserved to be free."""
        if await self._store.reserved(account.name) != NOTHING:
            return _PATIENCE_WITH_OTHERS
        held_by_jobs = await self._store.reserved(account.name, jobs=True)
        return _PATIENCE_WITH_JOBS if held_by_jobs != NOTHING else 0.0

    async def _give_back(self, account: _Account) -> None:
        """Leave to other processes what is too little for this one."""
        await self._store.release(self._holder, account.name)
        account.drawn = NOTHING

    async def _exceeded(self, account: _Account, most: Amount) -> BudgetExceeded:
        booked = await self._store.spent(account.name)
        limit = account.budget.limit
        said = []
        if limit.nanodollars is not None:
            spent, next_one = dollars(booked.usd), dollars(most.usd)
            said.append(f"{spent} are spent, the next call may cost {next_one}")
        if limit.tokens is not None:
            said.append(f"{booked.tokens:,} tokens are used, the next call may use {most.tokens:,}")
        if limit.requests is not None:
            said.append(f"{booked.requests:,} requests are made")
        return BudgetExceeded(
            f"The budget of {account.name!r} is {account.budget} and has no room for another "
            f"call: {'; '.join(said)}. Raise it and run again: what is answered is kept and not "
            f"paid again."
        )


def most_of(llm: LLM, request: ChatRequest, share: float = 1.0) -> Amount:
    """Return the most that a request can cost: no token is shorter than a byte of its text.

    `share` is that of a batch.
    """
    size = _TOKENS_OF_A_REQUEST
    if request.response_schema is not None:
        size += len(json.dumps(request.response_schema).encode())
    for tool in request.tools:
        size += len(json.dumps([tool.name, tool.description, tool.parameters]).encode())
    for message in request.messages:
        size += _TOKENS_OF_A_TURN
        content = message["content"]
        if isinstance(content, str):
            size += len(content.encode(errors="replace"))
            continue
        for part in content:
            text = part["type"] == "text"
            size += len(json.dumps(part).encode()) if text else _MOST_TOKENS_OF_AN_IMAGE
        if "tool_calls" in message:
            size += len(json.dumps(message["tool_calls"]).encode())
    return amount_of(llm, Usage(size, _most_output(llm) or 0), share)


def _most_output(llm: LLM) -> int | None:
    if llm.generation_kwargs.max_new_tokens is not None:
        return llm.generation_kwargs.max_new_tokens
    rates = rates_of(llm)
    return rates.context_window if rates else None


def _missing(wanted: Amount, there: Amount) -> Amount:
    return Amount(
        max(0, wanted.nanodollars - there.nanodollars),
        max(0, wanted.tokens - there.tokens),
        max(0, wanted.requests - there.requests),
    )


def _times(amount: Amount, factor: int) -> Amount:
    return Amount(amount.nanodollars * factor, amount.tokens * factor, amount.requests * factor)
