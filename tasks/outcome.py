"""What a step makes of its rows, so that every one of them is accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from llms.chat import Answer, ChatType
from llms.errors import NotStored
from llms.gateway import Gateway, Purse
from llms.home import default_gateway
from llms.spending import NO_CALLS, Calls, Receipt
from tasks.row import PARENT, Rejection

_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Accounts:
    """The books of a step: `rows_in + expanded == rows_out + rejected + filtered`.

    Requests, tokens and `cost_usd` (US dollars) count every answer behind the rows, also those that
    an earlier run paid for; `unpriced` counts the requests whose price is not known.
    """

    rows_in: int = 0
    rows_out: int = 0
    rejected: int = 0
    filtered: int = 0
    expanded: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0

    def __add__(self, other: Accounts) -> Accounts:
        mine, theirs = asdict(self), asdict(other)
        return Accounts(**{name: mine[name] + theirs[name] for name in mine})

    def as_json(self) -> dict[str, Any]:
        """Return the books as plain values."""
        return {**asdict(self), "cost_usd": round(self.cost_usd, _DECIMALS)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows a step made (with hidden key and parent columns) and the ones it rejected.

    `receipts` are the answers behind them, by the key of the row that went in.
    """

    frame: pl.DataFrame
    rejections: tuple[Rejection, ...] = ()
    calls: Calls = NO_CALLS
    receipts: Mapping[str, tuple[Receipt, ...]] = field(default_factory=dict)

    def accounts(self, keys_in: Sequence[str]) -> Accounts:
        """Balance the outcome against the keys of the rows that went in."""
        rows_out, rejected = self.frame.height, len(self.rejections)
        used = set(self.frame[PARENT]) | {rejection.parent for rejection in self.rejections}
        filtered = sum(key not in used for key in keys_in)
        return Accounts(
            rows_in=len(keys_in),
            rows_out=rows_out,
            rejected=rejected,
            filtered=filtered,
            expanded=rows_out + rejected + filtered - len(keys_in),
            requests=self.calls.requests,
            input_tokens=self.calls.input_tokens,
            output_tokens=self.calls.output_tokens,
            cost_usd=self.calls.cost_usd,
            unpriced=self.calls.unpriced,
        )


class Observer:
    """Is told what happens inside a step; overridden by whoever shows it."""

    def called(self, step: str, calls: Calls) -> None:
        """A step's model was called for a row, once or several times, or the store was."""

    def answered(self, step: str, key: str, chat: ChatType, answer: Answer) -> None:
        """A row of a step got an answer from its model."""

    def unanswered(self, step: str, key: str, error: NotStored) -> None:
        """A row of a step has no stored answer, and the gateway is offline."""

    def finished(self, step: str, made: int, rejected: int) -> None:
        """A step is done with one row that it was given."""


class StepContext:
    """What a step works with besides its rows.

    `branch` tells apart steps of one pipeline that send the same requests, so that each gets
    samples of its own. On the `final_attempt`, rows that the provider failed become rejections;
    before it they make the whole attempt fail, to be tried again. Calls are charged to `purse`.
    """

    def __init__(
        self,
        gateway: Gateway | None = None,
        *,
        purse: Purse | None = None,
        observer: Observer | None = None,
        branch: int = 0,
        final_attempt: bool = True,
    ) -> None:
        self._gateway = gateway
        self.purse = purse
        self.observer = observer or Observer()
        self.branch = branch
        self.final_attempt = final_attempt

    @property
    def gateway(self) -> Gateway:
        """The gateway; the process's own where none was given."""
        return self._gateway or default_gateway()
