"""`Report`: what a run report tells, and the page that tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows.comparison.comparison import Comparison
from flows.versions.saved import SavedVersion


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run as its report names it: its id, what came of it in one sentence, and what it took.

    `calls` were made, `reused` answers were not paid again; US dollars, seconds; `links` are
    addresses by what they lead to.
    """

    run: str
    outcome: str
    calls: int
    reused: int
    spent_usd: float
    seconds: float
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a run report tells.

    A verdict has `gate`, `subject`, `passed`, `measured`, `wanted` and `sentence`. `plan` is what
    was to be done and why: `steps` (each with `step`, the rows that are `new`, `changed`,
    `unchanged` and `removed`, ranges of `calls`, `input_tokens`, `output_tokens` and `usd`, and
    `why`), ranges of all `calls` and `usd`, and `assumptions`; a range has `low`, `expected` and
    `high`, and `usd` is None where the price is not known.
    """

    version: SavedVersion
    before: SavedVersion | None
    comparison: Comparison
    run: RunFacts
    verdicts: Sequence[Mapping[str, Any]] = ()
    plan: Mapping[str, Any] | None = None

    @property
    def names(self) -> tuple[str, str]:
        """What the two versions are called."""
        before = self.comparison.before
        return self.comparison.now.tag, before.tag if before else "before"

    @property
    def failed(self) -> list[Mapping[str, Any]]:
        """The verdicts of the gates that did not pass."""
        return [verdict for verdict in self.verdicts if not verdict["passed"]]

    @property
    def unchanged(self) -> bool:
        """Whether the version has the same content as the one before it."""
        before = self.comparison.before
        return before is not None and before.digest == self.comparison.now.digest
