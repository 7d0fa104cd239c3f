"""What each step rejected, by reason, before and now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import polars as pl

from flows.comparison.shares import moved
from flows.versions.saved import SavedVersion

_MOST = 20
_DEVIATIONS = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """A step's reason to reject, and how many rows it met now and before."""

    step: str
    reason: str
    now: int
    before: int


@dataclass(frozen=True, slots=True)
class StepRejections:
    """How many rows a step was given and rejected, now and before; `named` where the share
    moved by two points and by more than three standard errors.

    A step that was not there before had no rows.
    """

    step: str
    rows: int
    rejected: int
    rows_before: int
    rejected_before: int
    named: bool


@dataclass(frozen=True, slots=True)
class Rejections:
    """The rejections of both versions: by step, and the most frequent reasons.

    `others` and `others_before` count the rejections for reasons that are not listed.
    """

    steps: tuple[StepRejections, ...]
    reasons: tuple[Reason, ...]
    others: int
    others_before: int


def rejections(version: SavedVersion, before: SavedVersion | None) -> Rejections:
    """Count the rejections of a version and of the one before it."""
    now, then = _counted(version), _counted(before) if before else Counter()
    order = sorted(now | then, key=lambda its: (-now[its], -then[its], its))
    listed = order[:_MOST]
    return Rejections(
        _steps(version, before),
        tuple(Reason(*its, now[its], then[its]) for its in listed),
        now.total() - sum(now[its] for its in listed),
        then.total() - sum(then[its] for its in listed),
    )


def _steps(version: SavedVersion, before: SavedVersion | None) -> tuple[StepRejections, ...]:
    earlier = before.accounts if before else {}
    found = []
    for step, books in version.accounts.items():
        then = earlier.get(step)
        rows, rejected = (then.rows_in, then.rejected) if then else (0, 0)
        if books.rejected or rejected:
            named = moved(books.rejected, books.rows_in, rejected, rows, deviations=_DEVIATIONS)
            found.append(StepRejections(step, books.rows_in, books.rejected, rows, rejected, named))
    return tuple(found)


def _counted(version: SavedVersion) -> Counter[tuple[str, str]]:
    records = version.provenance()
    if records is None:
        return Counter((its.step, its.reason) for its in version.rejections())
    rejected = records.filter(pl.col("status") == "rejected")
    counts = rejected.group_by("step", "reason").agg(pl.len().alias("rows")).collect()
    return Counter({(step, reason): rows for step, reason, rows in counts.iter_rows()})
