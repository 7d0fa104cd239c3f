"""`Conditional`: a sampler for each value of another column."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from random import Random
from typing import Annotated, Any, ClassVar, Self

import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from llms.errors import ConfigurationError, RowRejected
from tasks.column_types import Misfit, merged
from tasks.row import Row
from tasks.samplers.sampler import Sampler, SamplerField


def _as_case(value: Any) -> str:
    """Return how a value is written as a case: 3 and 3.0 as "3", as JSON and YAML write them."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _as_cases(value: Any) -> Any:
    return (
        {_as_case(key): item for key, item in value.items()} if isinstance(value, dict) else value
    )


class Conditional(Sampler):
    """Draws a value as the sampler does that belongs to the value of the column `on`.

    `cases` gives a sampler, or a list of equally likely values, for each value of that column;
    `default` serves all others. The column has the type that holds what all of them draw. `on` is
    another sampled column or, in `SampleColumns`, one that the rows have; a row with a value that
    has no case is rejected there.

    Raises:
        ConfigurationError: the samplers' values cannot share a column; a value of a sampled column
            has no case, or a case is none of its values.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Conditional
        >>> instrument = Conditional(on="style", cases={"jazz": ["saxophone"], "rock": ["guitar"]})
        >>> instrument.draw(Random(0), {"style": "jazz"})
        'saxophone'
    """

    kind: ClassVar = "conditional"

    on: str = Field(min_length=1)
    cases: Annotated[Mapping[str, SamplerField], BeforeValidator(_as_cases), Field(min_length=1)]
    default: SamplerField | None = None

    @property
    def dtype(self) -> pl.DataType:
        return self._dtype

    @property
    def reads(self) -> frozenset[str]:
        return frozenset({self.on}.union(*(sampler.reads for sampler in self._samplers)))

    @property
    def possible(self) -> list[Any] | None:
        found: list[Any] = []
        for sampler in self._samplers:
            if sampler.possible is None:
                return None
            found += sampler.possible
        return found

    def draw(self, random: Random, row: Row) -> Any:
        sampler = self.cases.get(_as_case(row[self.on]), self.default)
        if not isinstance(sampler, Sampler):
            raise RowRejected(f"there is no case for {row[self.on]!r:.100} in {self.on!r}")
        return sampler.draw(random, row)

    def check(self, columns: Mapping[str, Sampler]) -> None:
        for sampler in self._samplers:
            sampler.check(columns)
        possible = columns[self.on].possible if self.on in columns else None
        if possible is None:
            return
        values = list(map(_as_case, possible))
        if strange := [case for case in self.cases if case not in values]:
            raise ConfigurationError(
                f"there is a case {strange[0]!r}, but {self.on!r} is only ever one of: "
                f"{', '.join(dict.fromkeys(values))}."
            )
        lacking = [value for value in values if value not in self.cases]
        if lacking and self.default is None:
            raise ConfigurationError(
                f"{self.on!r} may be {lacking[0]!r}, which has no case; add it, or a default=."
            )

    def load(self) -> None:
        for sampler in self._samplers:
            sampler.load()

    @property
    def _samplers(self) -> list[Sampler]:
        given = (*self.cases.values(), self.default)
        return [sampler for sampler in given if isinstance(sampler, Sampler)]

    @cached_property
    def _dtype(self) -> pl.DataType:
        found: pl.DataType = pl.Null()
        for sampler in self._samplers:
            found = merged(found, sampler.dtype)
        return found

    @model_validator(mode="after")
    def _check_types(self) -> Self:
        try:
            assert self._dtype is not None
        except Misfit as error:
            raise ConfigurationError(
                f"Conditional: one column cannot hold {error}, which the samplers draw."
            ) from error
        return self
