"""A column of vectors as a matrix, and what was found out about each of them as a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import polars as pl

from llms.errors import ConfigurationError
from tasks.frames import derive, rows_of
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Matrix: TypeAlias = "npt.NDArray[np.float32]"
"""One row for each vector, float32."""

Metric = Literal[
    "euclidean", "cosine", "manhattan", "chebyshev", "canberra", "braycurtis", "correlation"
]
"""A distance between two vectors that needs no parameters of its own."""


@dataclass(frozen=True, slots=True)
class Points:
    """The vectors of a frame for a step, the indices of their rows, and the rows without one."""

    step: str
    matrix: Matrix
    indices: list[int]
    rejections: tuple[Rejection, ...]

    def outcome(self, frame: pl.DataFrame, made: pl.Series, context: StepContext) -> Outcome:
        """Give the rows that have a vector a new column."""
        kept = derive(frame, self.indices, frame[KEY][self.indices].to_list(), None)
        context.observer.finished(self.step, kept.height, len(self.rejections))
        return Outcome(kept.with_columns(made), self.rejections)


def points_in(frame: pl.DataFrame, column: str, step: str) -> Points:
    """Read the vectors in a column; they must be as long as most of them are.

    Raises:
        ConfigurationError: the column holds something else.
    """
    if not _holds_vectors(frame.schema[column]):
        raise ConfigurationError(
            f"Step {step!r} needs lists of numbers in the column {column!r}, which holds "
            f"{frame.schema[column]}."
        )
    vectors = frame[column].cast(pl.List(pl.Float32))
    reasons = _reasons(vectors)
    indices = reasons.is_null().arg_true()
    bad = reasons.is_not_null().arg_true()
    keys = frame[KEY]
    rejections = tuple(
        Rejection(keys[index], keys[index], step, f"the column {column!r} {reasons[index]}", row)
        for index, row in zip(bad, rows_of(frame[bad]), strict=True)
    )
    numbers = vectors[indices].explode().to_numpy()
    matrix = numbers.reshape(len(indices), -1) if len(indices) else numbers.reshape(0, 0)
    return Points(step, matrix, indices.to_list(), rejections)


def _holds_vectors(kind: pl.DataType) -> bool:
    if not isinstance(kind, (pl.List, pl.Array)):
        return kind == pl.Null
    return pl.Series(dtype=kind.inner).dtype.is_numeric() or kind.inner == pl.Null


def _reasons(vectors: pl.Series) -> pl.Series:
    """Return for each vector why it cannot be used, null where it can."""
    whole = pl.element().is_finite().fill_null(False)
    lengths = vectors.list.len()
    usual = lengths.drop_nulls().filter(lengths.drop_nulls() > 0).mode().sort()
    length = usual[0] if len(usual) else 0
    facts = pl.DataFrame(
        {
            "missing": vectors.is_null(),
            "length": lengths,
            "whole": vectors.list.eval(whole).list.all(),
        }
    )
    return facts.select(
        reason=pl.when(pl.col.missing)
        .then(pl.lit("is null"))
        .when(pl.col.length == 0)
        .then(pl.lit("is an empty list"))
        .when(~pl.col.whole)
        .then(pl.lit("holds a number that is missing or not finite"))
        .when(pl.col.length != length)
        .then(pl.format(f"holds {{}} numbers where most rows hold {length}", pl.col.length))
    )["reason"]
