"""`Gate`: what all kinds of gates have in common."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from flows.gates.verdict import Verdict
from flows.versions.saved import SavedVersion
from llms.config import Config
from llms.errors import ConfigurationError

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, from 0 to 1."""


class Gate(Config):
    """Checks a version of a dataset before it is published."""

    def prepare(self) -> None:
        """Raise `ConfigurationError` if the gate cannot work; asked before a run."""

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        """Yield what the gate finds; `before` is the last version that was published."""
        raise NotImplementedError


def require_one_of(gate: Config, *names: str) -> None:
    """Raise `ConfigurationError` unless one of some parameters is given, so that a gate checks."""
    given: list[Any] = [getattr(gate, name) for name in names]
    if all(value is None or value is False or value == () or value == {} for value in given):
        raise ConfigurationError(
            f"{type(gate).__name__} checks nothing; it takes one or more of: {', '.join(names)}."
        )


def require_order(gate: Config, low: str, high: str) -> None:
    """Raise `ConfigurationError` if a lower bound is above the upper one."""
    lowest, highest = getattr(gate, low), getattr(gate, high)
    if lowest is not None and highest is not None and lowest > highest:
        raise ConfigurationError(
            f"{type(gate).__name__}: {low} ({lowest}) is above {high} ({highest}), so that no "
            f"version could pass."
        )
