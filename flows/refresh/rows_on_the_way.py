"""Which row each step had in hand on the way of one row, and what it made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from flows.refresh.retelling import Retelling
from tasks.declaration import typed
from tasks.generated import METADATA
from tasks.graph import Graph
from tasks.row import KEY, PARENT, Row, derived_key, visible
from tasks.step import GeneratorStep, Step


@dataclass(slots=True)
class RowsOnTheWay:
    """The rows that a source row became on the way to one row, by the step that made them.

    They are followed back by their parents' keys. Where a step that sees all rows lies between, the
    row before it is known if it has the same key, or is the only one of the source row.
    """

    graph: Graph
    told: Retelling
    found: dict[str, pl.DataFrame] = field(default_factory=dict)

    def follow(self, step: str, key: str) -> None:
        """Follow a row that a step made back to its source."""
        rows = self.told.rows.get(step)
        if rows is None:
            for before in self.graph.sources_of(step):
                self.follow(before, key)
            return
        here = rows.filter(pl.col(KEY) == key)
        here = rows if not here.height and rows.height == 1 else here
        if here.height == 1 and step not in self.found:
            self.found[step] = here
            self.follow_into(step, here[PARENT][0])

    def follow_into(self, step: str, key: str) -> None:
        """Follow a row that went into a step back to its source."""
        for before in self.graph.sources_of(step):
            self.follow(before, key)

    def made_by(self, name: str, final: Iterable[Row]) -> Row:
        """Return the columns that a step made or changed, from its row or else the final ones."""
        step = self.graph.steps[name]
        if name in self.found:
            row = shown(self.found[name])
            sources = [self.found[one] for one in self.graph.sources_of(name) if one in self.found]
            before = [shown(source) for source in sources]
            return {
                column: value
                for column, value in row.items()
                if not any(column in other and other[column] == value for other in before)
            }
        if isinstance(step, GeneratorStep):
            return {}
        names = [step.output_mappings.get(column, column) for column in typed(step.made)]
        return {c: row[c] for row in final for c in names if c in row and c != METADATA}

    def generation_of(self, name: str) -> int | None:
        """Return which of the samples of its row the row of a step is, if it has several."""
        here = self.found.get(name)
        if here is None:
            return None
        return generation(self.graph.steps[name], here[PARENT][0], here[KEY][0])


def generation(step: Step, parent: str, key: str) -> int | None:
    """Return which of the samples of a row another row is; None if it is its only one."""
    samples = range(int(getattr(step, "num_generations", 1)))
    return next((n for n in samples if derived_key(parent, step.name, n) == key), None)


def shown(rows: pl.DataFrame) -> Row:
    """Return the only row of a frame as a user sees it, without what a task notes of its calls."""
    columns = [name for name in visible(rows.columns) if name != METADATA]
    found: list[Row] = rows.select(columns).to_dicts()
    return found[0] if columns else {}
