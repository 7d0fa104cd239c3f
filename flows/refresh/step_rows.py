"""The rows that go into a step and come out of it, as far as is known before any call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import polars as pl

from flows.refresh.estimates import Estimator
from flows.refresh.open_columns import NONE_OPEN, Open, open_after, reads_any
from flows.refresh.plan import Range
from flows.refresh.source_changes import STATUSES, SourceChanges
from flows.runtime.offline import OfflineRun
from flows.versions.saved import SavedVersion
from tasks.generator_task import GeneratorTask
from tasks.row import KEY, PARENT
from tasks.step import GeneratorStep, GlobalStep, Step

_STATUS = "status"
_SPREAD = 2.0

Counts = Mapping[str, float]
"""Numbers of rows by what became of their source rows."""


def _none() -> Counts:
    return dict.fromkeys(STATUSES, 0.0)


@dataclass(frozen=True, slots=True)
class StepRows:
    """Rows by what became of their source rows: those with a key, and more that are expected.

    `waiting` are the expected ones and, where branches meet, also those that have a key in one
    branch and wait for another; they have not got the columns that are `open`. `variance` is that
    of the number expected.
    """

    known: pl.DataFrame
    expected: Counts = field(default_factory=_none)
    waiting: Counts = field(default_factory=_none)
    variance: float = 0.0
    open: Open = NONE_OPEN

    @property
    def counts(self) -> dict[str, int]:
        """All rows."""
        known = counted(self.known)
        return {status: round(known[status] + self.expected[status]) for status in STATUSES}

    def to_ask(self, step: Step, *, does_the_same: bool) -> Range:
        """Return how many of those expected a step will ask about, give or take two standard
        deviations.

        Where it does the same as before and reads nothing that waits, it has answered about the
        unchanged ones; it may have where that is not known.
        """
        number, spread = sum(self.expected.values()), _SPREAD * sqrt(self.variance)
        least = likely = number
        if does_the_same and (self.open is None or not reads_any(step, self.open)):
            least = number - self.expected["unchanged"]
            likely = number if self.open is None else least
        return Range(max(0.0, least - spread), likely, number + spread)

    def among(self, keys: Sequence[str]) -> pl.DataFrame:
        """Return those that have one of some keys."""
        wanted = pl.Series(keys, dtype=pl.String)
        return self.known.filter(pl.col(KEY).is_in(wanted.implode()))


def counted(rows: pl.DataFrame) -> Counts:
    """Count rows by their status."""
    found = dict(rows[_STATUS].value_counts().iter_rows())
    return {status: found.get(status, 0.0) for status in STATUSES}


def rows_into(
    offline: OfflineRun,
    name: str,
    made: Mapping[str, StepRows],
    changes: SourceChanges,
    before: SavedVersion | None,
) -> StepRows:
    """Return the rows that go into a step; those of a source are the ones it reads."""
    graph = offline.run.graph
    step = graph.steps[name]
    if isinstance(step, GeneratorTask):
        return StepRows(_seeds(offline, name, before))
    if isinstance(step, GeneratorStep):
        its = changes.rows.filter(pl.col("source") == name)
        return StepRows(its.select(pl.col("source_key").alias(KEY), _STATUS))
    branches = [made[source] for source in graph.sources_of(name)]
    return branches[0] if len(branches) == 1 else _met(branches)


def rows_out_of(
    offline: OfflineRun, name: str, given: StepRows, asked: pl.DataFrame, estimator: Estimator
) -> StepRows:
    """Return the rows that come out of a step; those that it has to ask about are expected."""
    run, its = offline.run, offline.steps[name]
    if isinstance(run.graph.steps[name], GlobalStep) and its.made == [None]:
        asked = given.known
    files = [run.workspace.path(part.digest) for part in its.made if part and part.rows]
    identities = pl.concat(
        [
            pl.DataFrame(schema={KEY: pl.String, PARENT: pl.String}),
            *(pl.read_parquet(file, columns=[KEY, PARENT]) for file in files),
        ]
    )
    known = identities.join(given.known, left_on=PARENT, right_on=KEY, how="left").select(
        KEY, pl.col(_STATUS).fill_null("changed")
    )
    again = counted(asked)
    waiting = {status: given.waiting[status] + again[status] for status in STATUSES}
    number = sum(waiting.values())
    if not number:
        return StepRows(known)
    share = estimator.rows_out(name)
    expected = {status: share * waiting[status] for status in STATUSES}
    chance = max(0.0, share * (1 - share)) * number
    variance = share**2 * given.variance + chance
    behind = open_after(run.graph.steps[name], given.open, asks=asked.height > 0)
    return StepRows(known, expected, expected, variance, behind)


def _met(branches: Sequence[StepRows]) -> StepRows:
    """Return the rows where branches meet, each once, whichever of them has made it already."""
    known = pl.concat([branch.known for branch in branches]).unique(KEY, maintain_order=True)
    there, its = counted(known), [counted(branch.known) for branch in branches]
    expected, waiting = {}, {}
    for status in STATUSES:
        most = max(own[status] + b.expected[status] for own, b in zip(its, branches, strict=True))
        expected[status] = max(0.0, most - there[status])
        waiting[status] = max(branch.waiting[status] for branch in branches)
    opened = [branch.open for branch in branches]
    known_open = [columns for columns in opened if columns is not None]
    both = frozenset().union(*known_open) if len(known_open) == len(opened) else None
    return StepRows(known, expected, waiting, max(branch.variance for branch in branches), both)


def _seeds(offline: OfflineRun, name: str, before: SavedVersion | None) -> pl.DataFrame:
    """Return the rows that a model is to make: the first ones were there in the last version."""
    workspace = offline.run.workspace
    keys = [key for part in offline.seeds[name] for key in workspace.keys(part)]
    there = int(before.accounts[name].rows_in) if before and name in before.accounts else 0
    status = ["unchanged" if number < there else "new" for number in range(len(keys))]
    return pl.DataFrame({KEY: keys, _STATUS: status}, schema={KEY: pl.String, _STATUS: pl.String})
