"""`SampledColumns`: what the steps that draw columns at random have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, ClassVar

from pydantic import PlainSerializer, PlainValidator

from llms.errors import ConfigurationError
from tasks.choices import random_for
from tasks.column_types import Types
from tasks.row import Row
from tasks.samplers.sampler import Sampler, as_sampler
from tasks.step import Step


def _as_samplers(value: Any) -> dict[str, Sampler]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError("it names no column; give {name: sampler}")
    samplers: dict[str, Sampler] = {}
    for name, described in value.items():
        try:
            samplers[str(name)] = as_sampler(described)
        except ConfigurationError as error:
            raise ConfigurationError(f"The column {name!r} cannot be sampled: {error}") from error
    _drawing_order(samplers)
    for name, sampler in samplers.items():
        try:
            sampler.check(samplers)
        except ConfigurationError as error:
            raise ConfigurationError(f"The column {name!r} cannot be sampled: {error}") from error
    return samplers


def _drawing_order(samplers: Mapping[str, Sampler]) -> list[str]:
    """Return the columns, each after the ones that it depends on."""
    needs = {name: sorted(sampler.reads & samplers.keys()) for name, sampler in samplers.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        circle = " -> ".join(map(repr, reversed(error.args[1])))
        raise ConfigurationError(
            f"Sampled columns depend on each other in a circle, {circle}; let one of them depend "
            f"on no other."
        ) from error


class SampledColumns(Step):
    """Draws `columns`, each after the ones that it depends on.

    A value derives from `seed`, the key of its row and the name of its column alone: from no other
    row, no other column but the ones that its sampler reads, and no partition.
    """

    version: ClassVar = 1

    columns: Annotated[
        Mapping[str, Sampler | Sequence[Any]],
        PlainValidator(_as_samplers),
        PlainSerializer(lambda columns: {name: item.describe() for name, item in columns.items()}),
    ]
    seed: int = 42

    @property
    def outputs(self) -> Types:
        return {name: sampler.dtype for name, sampler in self.samplers.items()}

    def load(self) -> None:
        for sampler in self.samplers.values():
            sampler.load()

    def drawn(self, key: str, row: Row) -> Row:
        """Return the sampled columns of the row with a key.

        Raises:
            RowRejected: the row allows no value of a column.
        """
        seen = dict(row)
        for name in self._order:
            seen[name] = self.samplers[name].draw(random_for(key, self.seed, name), seen)
        return {name: seen[name] for name in self.columns}

    @cached_property
    def samplers(self) -> dict[str, Sampler]:
        """The samplers that `columns` holds, or that its lists mean."""
        return _as_samplers(self.columns)

    @property
    def read_from_rows(self) -> list[str]:
        """The columns that samplers read and that are not sampled themselves."""
        read = frozenset[str]().union(*(sampler.reads for sampler in self.samplers.values()))
        return sorted(read - self.columns.keys())

    @cached_property
    def _order(self) -> list[str]:
        return _drawing_order(self.samplers)
