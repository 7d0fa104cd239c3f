"""`Sampler`: a parameter that says how the values of a column are drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import Annotated, Any, ClassVar

import polars as pl
from pydantic import PlainSerializer, PlainValidator

from llms.config import Config
from llms.errors import ConfigurationError
from tasks.row import Row

_CLASSES = {
    "category": "Category",
    "conditional": "Conditional",
    "date": "Date",
    "gaussian": "Gaussian",
    "person": "Person",
    "uniform": "Uniform",
}


class Sampler(Config):
    """Draws the values of a column, each from a source of random choices of its own.

    In YAML it is a mapping with its `kind` and its parameters.
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def dtype(self) -> pl.DataType:
        """The type of the column."""

    @abstractmethod
    def draw(self, random: Random, row: Row) -> Any:
        """Return a value for a row, of which the columns in `reads` are there.

        Raises:
            RowRejected: the row allows none.
        """

    @property
    def reads(self) -> frozenset[str]:
        """The columns that a value depends on."""
        return frozenset()

    @property
    def possible(self) -> list[Any] | None:
        """All values that may be drawn, None where they are too many to tell."""
        return None

    def check(self, columns: Mapping[str, Sampler]) -> None:
        """Raise `ConfigurationError` if it does not go with the samplers of the other columns."""

    def load(self) -> None:
        """Raise `ConfigurationError` if it cannot work, for want of a package for example."""

    @cached_property
    def content(self) -> dict[str, Any]:
        return {"kind": self.kind, **super().content}

    def describe(self) -> dict[str, Any]:
        """Return the sampler as plain values; `as_sampler` reads it back."""
        return {"kind": self.kind, **self.model_dump(mode="json", exclude_unset=True)}


def as_sampler(value: Any) -> Sampler:
    """Return the sampler that a mapping with `kind`, or a list of equally likely values, means.

    Raises:
        ConfigurationError: there is no such sampler, or it does not take the parameters.
    """
    from tasks import samplers

    if isinstance(value, Sampler):
        return value
    if isinstance(value, list):
        return samplers.Category(values=value)
    if not isinstance(value, Mapping) or value.get("kind") not in _CLASSES:
        raise ConfigurationError(
            f"A sampler is a list of values or has one of the kinds {', '.join(_CLASSES)}, as in "
            f"{{'kind': 'uniform', 'low': 0, 'high': 1}}; it cannot be {value!r:.100}."
        )
    # YAML reads a bare `on` as true.
    named = {"on" if name is True else str(name): given for name, given in value.items()}
    parameters = {name: given for name, given in named.items() if name != "kind"}
    sampler: Sampler = getattr(samplers, _CLASSES[value["kind"]])(**parameters)
    return sampler


SamplerField = Annotated[
    Sampler | Sequence[Any],
    PlainValidator(as_sampler),
    PlainSerializer(lambda sampler: sampler.describe(), return_type=dict[str, Any]),
]
"""A parameter that takes a sampler, or plain values that mean one, and holds the sampler."""
