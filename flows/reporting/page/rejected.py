"""Rejected rows: how many for which reason, and some of them with the raw reply."""

from __future__ import annotations

from dataclasses import dataclass

from flows.comparison.excerpts import excerpt
from flows.comparison.rejections import Reason
from flows.versions.saved import SavedVersion
from tasks.row import Row

_REASONS = 8
_EXAMPLES = 2


@dataclass(frozen=True, slots=True)
class Example:
    """A rejected row, and what the model said."""

    key: str
    row: Row
    raw_reply: str | None
    unanswered: bool


def examples(
    version: SavedVersion, reasons: tuple[Reason, ...]
) -> dict[tuple[str, str], list[Example]]:
    """Return two examples of each of the most frequent reasons, by step and reason."""
    wanted = [(its.step, its.reason) for its in reasons if its.now][:_REASONS]
    found: dict[tuple[str, str], list[Example]] = {reason: [] for reason in wanted}
    missing = sum(min(_EXAMPLES, its.now) for its in reasons if (its.step, its.reason) in found)
    for rejection in version.rejections() if missing else ():
        some = found.get((rejection.step, rejection.reason))
        if some is None or len(some) == _EXAMPLES:
            continue
        shown = excerpt({"reply": rejection.raw_reply})["reply"]
        some.append(Example(rejection.key, excerpt(rejection.row), shown, rejection.unanswered))
        missing -= 1
        if not missing:
            break
    return found
