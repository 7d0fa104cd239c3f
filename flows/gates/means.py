"""What gates find about the mean of numbers."""

import polars as pl

from flows.gates.columns_of_a_version import Column
from flows.gates.verdict import Verdict, bounds, number, outside


def mean_verdict(
    gate: str,
    column: Column,
    values: pl.Series,
    what: str,
    at_least: float | None,
    at_most: float | None,
) -> Verdict:
    """Compare the mean of a column's numbers with bounds; no numbers at all is a failure."""
    wanted = f"{what} {bounds(at_least, at_most)}"
    known = values.cast(pl.Float64)
    known = known.filter(known.is_finite())
    mean = known.mean()
    if not isinstance(mean, float):
        sentence = f"The column {column.subject!r} has no values to take the mean of."
        return Verdict(gate, column.subject, False, None, wanted, sentence)
    failed = outside(mean, at_least, at_most)
    sentence = f"The {what} of {column.subject!r} is {number(mean)} ({len(known):,} values)"
    sentence += f", and {bounds(at_least, at_most)} is wanted." if failed else "."
    return Verdict(gate, column.subject, not failed, mean, wanted, sentence)
