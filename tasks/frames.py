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
    columns = visible(frame.columns)
    return frame.select(columns).to_dicts() if columns else [{} for _ in range(frame.height)]


def frame_of(rows: Sequence[Row], known: Schema | None = None) -> pl.DataFrame:
    """Build a frame from rows, reading all of them to find columns and types.

    A column missing from a row is null there. `known` types are kept where the values fit; columns
    that are only known, and in no row, are left out unless there are no rows at all.
    """
    known = known or {}
    names = dict.fromkeys(name for row in rows for name in row)
    if not rows:
        names = dict.fromkeys(known)
    if not names:
        return pl.DataFrame(height=len(rows))
    return pl.DataFrame(
        [_series(name, [row.get(name) for row in rows], known.get(name)) for name in names]
    )


def misfits(rows: Sequence[Row], declared: Schema) -> dict[int, str]:
    """Return the rows that no frame can hold, by index, with the reason.

    A value must have the type that is declared for its column; where none is, it must go together
    with the column's first value.
    """
    found: dict[int, str] = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row.get(name) for row in rows]
        kind = declared.get(name)
        if _fits(name, values, kind):
            continue
        first = next((v for v in values if v is not None and _fits(name, [v], kind)), None)
        for index, value in enumerate(values):
            if not _fits(name, [value] if kind is not None else [first, value], kind):
                wanted = f"is no {kind}" if kind is not None else "does not go with the others"
                found.setdefault(
                    index, f"the column {name!r} cannot hold {value!r:.100}: it {wanted}"
                )
    return found


def with_source_keys(frame: pl.DataFrame, keys: SourceKeys) -> pl.DataFrame:
    """Give the rows of a source their keys."""
    values = [keys.of(row) for row in frame.iter_rows(named=True)]
    column = pl.Series(KEY, values, dtype=pl.String)
    return frame.with_columns(column, column.alias(PARENT))


def as_parents(frame: pl.DataFrame) -> pl.DataFrame:
    """Make each row its own parent, for a step that neither makes nor joins rows."""
    return frame.with_columns(pl.col(KEY).alias(PARENT))


def keys_of(frames: Sequence[pl.DataFrame]) -> list[str]:
    """Return the keys of several frames, each once, in order."""
    return list(dict.fromkeys(key for frame in frames for key in frame[KEY]))


def derive(
    frame: pl.DataFrame,
    indices: Sequence[int],
    keys: Sequence[str],
    rows: Sequence[Row] | None,
    declared: Schema | None = None,
) -> pl.DataFrame:
    """Return the frame of rows made from `frame[indices]`, under new keys.

    With `rows` they replace the visible columns, without them the columns stay as they were.
    `declared` are the columns that rows should have, with their types where known.
    """
    parents = frame[list(indices)]
    identity = [
        pl.Series(KEY, keys, dtype=pl.String),
        parents[KEY].alias(PARENT),
    ]
    if rows is None:
        return parents.with_columns(identity)
    shown = set(visible(frame.columns))
    known: dict[str, Any] = {name: frame.schema[name] for name in frame.columns if name in shown}
    for name, kind in (declared or {}).items():
        if kind is not None or name not in known:
            known[name] = kind
    made = frame_of(rows, known)
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


_UNFIT = (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError)


def _fits(name: str, values: list[Any], declared: Any) -> bool:
    try:
        if declared is not None:
            _typed_series(name, values, declared)
        else:
            _found_series(name, values, None)
    except _UNFIT:
        return False
    return True


def _series(name: str, values: list[Any], known: Any) -> pl.Series:
    """Build a column; it has its known type where all values fit that without a loss."""
    try:
        if known is not None and not known.is_nested():
            with suppress(*_UNFIT):
                return _typed_series(name, values, known)
        return _found_series(name, values, known)
    except _UNFIT as error:
        raise ConfigurationError(f"The rows do not fit together: {error}.") from error


def _typed_series(name: str, values: list[Any], kind: Any) -> pl.Series:
    """Build a column of a type that each value must have."""
    if kind.is_nested() or kind == pl.Null:
        for value in values:
            if not _has_room_for(kind, value):
                raise TypeError(f"{kind} has no room for {value!r}")
    return pl.Series(name, values, dtype=kind, strict=True)


def _has_room_for(kind: Any, value: Any) -> bool:
    """Tell whether a type can hold all of a value; polars drops what a nested type lacks."""
    if value is None:
        return True
    if isinstance(kind, pl.Struct) and isinstance(value, Mapping):
        fields = {field.name: field.dtype for field in kind.fields}
        return all(n in fields and _has_room_for(fields[n], item) for n, item in value.items())
    if isinstance(kind, (pl.List, pl.Array)) and isinstance(value, (list, tuple)):
        return all(_has_room_for(kind.inner, item) for item in value)
    return bool(kind != pl.Null)


def _found_series(name: str, values: list[Any], known: Any) -> pl.Series:
    """Build a column of the type that its values have, or of a known one they fit into."""
    types = ColumnTypes({})
    for value in values:
        types.see({name: value})
    kind = types.found.get(name, pl.Null())
    if known is not None:
        with suppress(Misfit):
            kind = known if merged(known, kind) == known else kind
    if not values:
        return pl.Series(name, [], dtype=kind)
    return frame_with([{name: value} for value in values], {name: kind}).to_series()
