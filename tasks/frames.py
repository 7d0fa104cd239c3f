"""Between polars frames and rows, without losing late columns, types or keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import polars as pl

from llms.errors import ConfigurationError
from tasks.column_types import ColumnTypes, Misfit, frame_with, merged
from tasks.row import KEY, PARENT, Row, SourceKeys, visible

Schema = Mapping[str, "pl.DataType | type[pl.DataType] | None"]
"""Column name to its type, None where it is not known before there are rows."""


def rows_of(frame: pl.DataFrame) -> list[Row]:
    """Return the rows of a frame without the hidden columns."""
    return frame.select(visible(frame.columns)).to_dicts()


def frame_of(rows: Sequence[Row], known: Schema | None = None) -> pl.DataFrame:
    """Build a frame from rows, reading all of them to find columns and types.

    A column missing from a row is null there. `known` types are kept where the values fit; columns
    that are only known, and in no row, are left out unless there are no rows at all.
    """
    known = known or {}
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        names = dict.fromkeys(known)
    return pl.DataFrame(
        [_series(name, [row.get(name) for row in rows], known.get(name)) for name in names]
    )


def with_source_keys(frame: pl.DataFrame, keys: SourceKeys) -> pl.DataFrame:
    """Give the rows of a source their keys."""
    values = [keys.of(row) for row in frame.iter_rows(named=True)]
    column = pl.Series(KEY, values, dtype=pl.String)
    return frame.with_columns(column, column.alias(PARENT))


def as_parents(frame: pl.DataFrame) -> pl.DataFrame:
    """Make each row its own parent, for a step that neither makes nor joins rows."""
    return frame.with_columns(pl.col(KEY).alias(PARENT))


def derive(
    frame: pl.DataFrame, indices: Sequence[int], keys: Sequence[str], rows: Sequence[Row] | None
) -> pl.DataFrame:
    """Return the frame of rows made from `frame[indices]`, under new keys.

    With `rows` they replace the visible columns, without them the columns stay as they were.
    """
    parents = frame[list(indices)]
    identity = [
        pl.Series(KEY, keys, dtype=pl.String),
        parents[KEY].alias(PARENT),
    ]
    if rows is None:
        return parents.with_columns(identity)
    shown = set(visible(frame.columns))
    made = frame_of(rows, {name: kind for name, kind in frame.schema.items() if name in shown})
    hidden = [parents[name] for name in frame.columns if name not in {*shown, KEY, PARENT}]
    return made.with_columns(hidden + identity) if made.width else pl.DataFrame(hidden + identity)


def require(columns: Iterable[str], frame: pl.DataFrame, step: str) -> None:
    """Raise `ConfigurationError` if a column that a step reads is not there."""
    there = visible(frame.columns)
    for name in columns:
        if name not in frame.columns:
            raise ConfigurationError(
                f"Step {step!r} needs the column {name!r}, which does not exist; "
                f"the columns are: {', '.join(there)}."
            )


def _series(name: str, values: list[Any], known: Any) -> pl.Series:
    """Build a column; it has its known type where all values fit that without a loss."""
    types = ColumnTypes({})
    try:
        for value in values:
            types.see({name: value})
    except Misfit as error:
        raise ConfigurationError(f"The rows do not fit together: {error}.") from error
    kind = types.found.get(name, pl.Null())
    if known is not None and (kind == pl.Null or known != pl.String):
        with suppress(Misfit):
            if merged(known, kind) == known:
                kind = known
    if not values:
        return pl.Series(name, [], dtype=kind)
    return frame_with([{name: value} for value in values], {name: kind}).to_series()
