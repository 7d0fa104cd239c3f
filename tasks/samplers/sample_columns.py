"""`SampleColumns`: sampled columns beside those that the rows have."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.outcome import Outcome, StepContext
from tasks.row_step import made_row_by_row
from tasks.samplers.sampled_columns import SampledColumns


class SampleColumns(SampledColumns):
    """Adds columns that samplers draw to rows.

    Columns: those that samplers depend on -> those of `columns`, `{name: sampler}`, where a list of
    equally likely values will do for a sampler; see `tasks.samplers` for the others. A value
    derives from `seed`, the key of its row and the name of its column, so that every run draws it
    again, whatever becomes of other rows and columns.

    A row is rejected if a `Conditional` has no case for it.

    Raises:
        ConfigurationError: a column depends on one that there is not, or on itself; or parameters
            of a sampler do not go together.

    Example:
        >>> from tasks import SampleColumns
        >>> step = SampleColumns(columns={"tone": ["formal", "casual"], "words": [50, 100, 200]})
        >>> next(step.process([{"topic": "leases"}]))
        [{'topic': 'leases', 'tone': 'formal', 'words': 200}]
    """

    version: ClassVar = 1

    @property
    def inputs(self) -> list[str]:
        return self.read_from_rows

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        return made_row_by_row(self.name, frame, context, self.drawn, self.outputs)
