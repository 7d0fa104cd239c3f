"""Frames of the same rows, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tasks.generated import METADATA
from tasks.row import visible


def side_by_side(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Join frames row by row; of equal names the last one wins, metadata keeps every field."""
    joined = frames[0]
    for frame in frames[1:]:
        columns = frame.select(visible(frame.columns))
        if METADATA in joined.columns and METADATA in columns.columns:
            columns = columns.with_columns(_metadata(joined[METADATA], columns[METADATA]))
        joined = joined.with_columns(columns.get_columns())
    return joined


def _metadata(first: pl.Series, second: pl.Series) -> pl.Series:
    if not isinstance(first.dtype, pl.Struct):
        return second
    if not isinstance(second.dtype, pl.Struct):
        return first
    fields = first.struct.unnest().with_columns(second.struct.unnest().get_columns())
    return fields.to_struct(METADATA)
