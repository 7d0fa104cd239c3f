"""`SampleRows`: rows made of sampled columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.row import Row
from tasks.samplers.sampled_columns import SampledColumns
from tasks.sources.seeded_source import SeededSource


class SampleRows(SampledColumns, SeededSource):
    """Makes `num_rows` rows of which each column is drawn by a sampler.

    Columns out: those of `columns`, `{name: sampler}`, where a list of equally likely values will
    do for a sampler; see `tasks.samplers` for the others. What a row holds derives from `seed` and
    its number, and so does its key: the same rows come out every time, and more rows or another
    column leave what was there, and what was made from it, as it is.

    Raises:
        ConfigurationError: a column depends on one that there is not, or on itself; or parameters
            of a sampler do not go together.

    Example:
        >>> from tasks import SampleRows
        >>> from tasks.samplers import Conditional, Uniform
        >>> source = SampleRows(
        ...     num_rows=1,
        ...     columns={
        ...         "field": ["law", "medicine"],
        ...         "topic": Conditional(
        ...             on="field", cases={"law": ["leases", "wills"], "medicine": ["allergies"]}
        ...         ),
        ...         "age": Uniform(low=18, high=80, decimals=0),
        ...     },
        ... )
        >>> next(source.process())
        ([{'field': 'medicine', 'topic': 'allergies', 'age': 32}], True)
    """

    version: ClassVar = 1

    num_rows: int = Field(ge=1)

    @property
    def height(self) -> int:
        return self.num_rows

    def row(self, number: int) -> Row:
        return self.drawn(str(number), {})

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        yield from super().frames()

    @model_validator(mode="after")
    def _read_no_other_columns(self) -> Self:
        for unknown in self.read_from_rows:
            reader = next(name for name, item in self.samplers.items() if unknown in item.reads)
            raise ConfigurationError(
                f"SampleRows samples no column {unknown!r}, on which {reader!r} depends; it "
                f"samples: {', '.join(self.columns)}."
            )
        return self
