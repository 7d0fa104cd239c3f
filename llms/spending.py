"""What calls cost: counts for the books, and exact amounts for budgets."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

NANODOLLARS = 1_000_000_000
"""Billionths of a US dollar in one: money is added up in whole numbers."""

_DECIMALS = 9


def dollars(amount: float) -> str:
    """Return US dollars as text, with enough digits to tell a small amount from nothing."""
    if amount >= 1 or not amount:
        return f"${amount:,.2f}"
    digits = min(_DECIMALS, max(4, 1 - math.floor(math.log10(amount))))
    return f"${amount:.{digits}f}"


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of models: `requests`, of which `reused` came from the store; tokens; US dollars.

    `cost_usd` is what all answers cost when they were bought, `saved_usd` the part of it that was
    not paid again; `unpriced` counts the requests whose price is not known.
    """

    requests: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    saved_usd: float = 0.0
    unpriced: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(
            self.requests + other.requests,
            self.reused + other.reused,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            self.saved_usd + other.saved_usd,
            self.unpriced + other.unpriced,
        )


NO_CALLS = Calls()


@dataclass(frozen=True, slots=True)
class Receipt:
    """One answer behind a row: its key in the store, the model as returned, tokens, US dollars.

    `requests` is 0 for a text that was embedded with others in one request; `cost_usd` is None
    where the price is not known.
    """

    key: str
    model: str
    request_id: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    requests: int = 1
    reused: bool = False

    @property
    def calls(self) -> Calls:
        """The answer as counts."""
        return calls_of((self,))


def calls_of(receipts: Iterable[Receipt]) -> Calls:
    """Add up answers."""
    requests = reused = input_tokens = output_tokens = unpriced = 0
    cost = saved = 0.0
    for receipt in receipts:
        requests += receipt.requests
        input_tokens += receipt.input_tokens
        output_tokens += receipt.output_tokens
        cost += receipt.cost_usd or 0.0
        unpriced += receipt.requests if receipt.cost_usd is None else 0
        if receipt.reused:
            reused += receipt.requests
            saved += receipt.cost_usd or 0.0
    return Calls(requests, reused, input_tokens, output_tokens, cost, saved, unpriced)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount that a budget counts: money in billionths of a US dollar, tokens, requests."""

    nanodollars: int = 0
    tokens: int = 0
    requests: int = 0

    @property
    def usd(self) -> float:
        """The money in US dollars."""
        return self.nanodollars / NANODOLLARS

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.nanodollars + other.nanodollars,
            self.tokens + other.tokens,
            self.requests + other.requests,
        )

    def __sub__(self, other: Amount) -> Amount:
        return Amount(
            self.nanodollars - other.nanodollars,
            self.tokens - other.tokens,
            self.requests - other.requests,
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that may be spent; None is no limit."""

    nanodollars: int | None = None
    tokens: int | None = None
    requests: int | None = None

    def allows(self, amount: Amount) -> bool:
        """Tell whether an amount is within the limit."""
        return (
            (self.nanodollars is None or amount.nanodollars <= self.nanodollars)
            and (self.tokens is None or amount.tokens <= self.tokens)
            and (self.requests is None or amount.requests <= self.requests)
        )


@dataclass(frozen=True, slots=True)
class Booking:
    """The charge for an answer: what it cost, the ledger accounts that bear it (a run, a dataset's
    month), and the pipeline that asked.

    `holder` names the process whose reservations the charge is taken from.
    """

    accounts: tuple[str, ...] = ()
    pipeline: str = ""
    holder: str = ""
    amount: Amount = NOTHING
