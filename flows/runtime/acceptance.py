"""Exactly so many accepted rows: the sources are read further until the dataset has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from flows.runtime.execution import Partitions, execute
from flows.runtime.run import Run
from flows.runtime.workspace import Partition
from llms.errors import ConfigurationError, StillhouseError
from tasks.graph import Graph
from tasks.outcome import Outcome
from tasks.step import GeneratorStep


class TooFewAccepted(StillhouseError):
    """The rows that were wanted could not be had."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many rows the dataset is to have, and how many source rows may be tried for each."""

    rows: int
    attempts_per_row: int

    def check(self, graph: Graph) -> None:
        """Raise `ConfigurationError` for a pipeline that makes more than one dataset."""
        if len(graph.leaves()) != 1:
            raise ConfigurationError(
                f"accepted_rows needs a pipeline that ends in one step; {graph.name!r} ends in "
                f"{', '.join(graph.leaves())}."
            )


def execute_until_accepted(run: Run, wanted: Wanted) -> Partitions:
    """Run the steps over more and more rows of the sources until enough are accepted.

    Rows that an earlier round read are not asked again: their answers are stored.

    Raises:
        TooFewAccepted: the sources, or the attempts, came to an end before.
    """
    leaf = run.graph.leaves()[0]
    sources = [name for name, step in run.graph.steps.items() if isinstance(step, GeneratorStep)]
    most = wanted.rows * wanted.attempts_per_row
    run.most_source_rows = wanted.rows
    while True:
        made = execute(run)
        accepted = sum(partition.rows for partition in made[leaf])
        if accepted >= wanted.rows:
            return {**made, leaf: _first(run, made[leaf], wanted.rows)}
        read = max(sum(part.accounts.rows_in for part in made[source]) for source in sources)
        if read < run.most_source_rows:
            raise TooFewAccepted(
                f"Of the {read:,} rows that the source has, {accepted:,} were accepted and not "
                f"{wanted.rows:,}; give it more rows, or see in `stillhouse preview` why they are "
                f"rejected."
            )
        if read >= most:
            raise TooFewAccepted(
                f"After {read:,} source rows, {accepted:,} were accepted and not {wanted.rows:,}; "
                f"allow more attempts_per_row than {wanted.attempts_per_row}, or see in "
                f"`stillhouse preview` why they are rejected."
            )
        share = max(accepted, 1) / read
        run.begin_again(min(most, read + ceil((wanted.rows - accepted) / share)))


def _first(run: Run, partitions: list[Partition], rows: int) -> list[Partition]:
    """Return the partitions with the first rows; the others count as filtered."""
    kept = []
    for partition in partitions:
        surplus = max(0, partition.rows - rows)
        if surplus:
            frame = run.workspace.read(partition).head(rows)
            books = replace(
                partition.accounts,
                rows_out=partition.accounts.rows_out - surplus,
                filtered=partition.accounts.filtered + surplus,
            )
            first = run.workspace.write(Outcome(frame), [])
            partition = replace(partition, digest=first.digest, rows=rows, accounts=books)
        kept.append(partition)
        rows -= partition.rows
    return kept
