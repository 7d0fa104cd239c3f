"""`GeneratorTask`: a source whose rows a model makes."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from pydantic import Field

from llms.digest import digest
from tasks.row import KEY, PARENT, Row
from tasks.step import GeneratorStep
from tasks.task import Task


class GeneratorTask(GeneratorStep, Task):
    """Starts a pipeline with rows that a model makes, `num_rows` of them.

    Each row is asked for on its own, so they advance independently; what makes rows differ is drawn
    (`draw`, `ask.random`) from the row's key, which is its number. More rows leave the first ones
    as they are.
    """

    num_rows: int = Field(default=1, ge=1)

    def keyed_frames(self) -> Iterator[pl.DataFrame]:
        """Yield rows with a key and no columns: the model is asked about them afterwards."""
        for start in range(0, self.num_rows, self.batch_size):
            numbers = range(start, min(start + self.batch_size, self.num_rows))
            keys = pl.Series(KEY, [digest(["row", number]) for number in numbers])
            yield pl.DataFrame([keys, keys.alias(PARENT)])

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
        """Yield `(rows, is_last)` from the row at `offset` on."""
        keyed = pl.concat(list(self.keyed_frames()))[offset:]
        for start in range(0, max(keyed.height, 1), self.batch_size):
            stop = start + self.batch_size
            yield self.rows_by_hand(keyed[start:stop]), stop >= keyed.height
