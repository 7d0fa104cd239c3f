"""Many draws of a sampler, each as a row of its own gets it."""

from __future__ import annotations

from typing import Any

from llms.errors import RowRejected
from tasks import Row
from tasks.choices import random_for
from tasks.samplers import Sampler

SIGNIFICANCE = 0.001
"""A test of a distribution fails if chance alone would give such draws less often than this."""


def drawn(sampler: Sampler, count: int = 2000, row: Row | None = None) -> list[Any]:
    """Return what `count` rows get; the draws are the same ones on every run."""
    return [sampler.draw(random_for(str(number), 42, "x"), row or {}) for number in range(count)]


def reason_of(sampler: Sampler, row: Row) -> str:
    """Return why a row gets no value."""
    try:
        sampler.draw(random_for("0"), row)
    except RowRejected as error:
        return str(error)
    raise AssertionError("the row got a value")
