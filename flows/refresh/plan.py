"""What a refresh will do, and cost, before it does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Range:
    """An estimate: it will hardly be less than `low`, and hardly more than `high`."""

    low: float = 0.0
    expected: float = 0.0
    high: float = 0.0

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.expected + other.expected, self.high + other.high)

    def __mul__(self, other: Range) -> Range:
        return Range(self.low * other.low, self.expected * other.expected, self.high * other.high)

    @property
    def is_exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high


NOTHING = Range()


def exactly(number: float) -> Range:
    """Return a range of one number."""
    return Range(number, number, number)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """What a step will do: rows that go in, by what became of their source rows; calls; why.

    A row is `changed` when its source row has changed, or a step on the way to here, or this one.
    `removed` rows went in for the last version and do not any more. `after` are the steps that feed
    it, none if it is a source; `differs` says that the step itself does something else. `usd` is
    None where the price of the model is not known. Calls, tokens and money are those not yet paid
    for.
    """

    step: str
    kind: str
    new: int
    changed: int
    unchanged: int
    removed: int
    calls: Range = NOTHING
    input_tokens: Range = NOTHING
    output_tokens: Range = NOTHING
    usd: Range | None = NOTHING
    why: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a refresh will do. `before` is the version that it starts from, None for a first one;
    `gone` are the steps that it had and the pipeline has not.
    """

    pipeline: str
    before: str | None
    steps: tuple[StepPlan, ...]
    assumptions: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def calls(self) -> Range:
        """Calls of models."""
        return sum((step.calls for step in self.steps), NOTHING)

    @property
    def tokens(self) -> Range:
        """Tokens, in and out."""
        return sum((step.input_tokens + step.output_tokens for step in self.steps), NOTHING)

    @property
    def usd(self) -> Range | None:
        """US dollars; None where a step that makes calls has a model without a known price."""
        return _sum_where_known(step.usd for step in self.steps)

    @property
    def changes_nothing(self) -> bool:
        """Whether no row and no step is new, changed or gone, and no call is to be made."""
        touched = sum(step.new + step.changed + step.removed for step in self.steps)
        return not touched and not self.gone and not self.calls.high

    def as_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        value = asdict(self)
        totals = {"calls": self.calls, "tokens": self.tokens, "usd": self.usd}
        value |= {name: item and asdict(item) for name, item in totals.items()}
        return {**value, "changes_nothing": self.changes_nothing}


def _sum_where_known(amounts: Iterable[Range | None]) -> Range | None:
    total = NOTHING
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
