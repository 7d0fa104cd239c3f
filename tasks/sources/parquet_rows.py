"""Reading Parquet, a part of the file at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from llms.errors import ConfigurationError
from tasks.column_types import Types
from tasks.sources.files import SourceFile

_SLICE_HEIGHT = 4000


def column_types(file: SourceFile, given: Mapping[str, pl.DataType]) -> Types:
    """Return the types of the columns.

    Raises:
        ConfigurationError: the file is not Parquet, or a column cannot be of its given type.
    """
    try:
        found = pl.read_parquet_schema(file.path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _unreadable(file, error) from error
    for name in given.keys() & found.keys():
        if found[name] != given[name] and (found[name].is_nested() or given[name].is_nested()):
            raise ConfigurationError(
                f"{file.name}: the column {name!r} is {found[name]} and cannot be read as "
                f"{given[name]}, which column_types asks for."
            )
    return {name: given.get(name, kind) for name, kind in found.items()}


def frames(file: SourceFile, types: Types, height: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of at most `height` rows, all with the given columns.

    Raises:
        ConfigurationError: the file is broken, or a column cannot be read as its given type.
    """
    shape = pl.DataFrame(schema=types)
    # Slices, because a streaming scan keeps hundreds of megabytes of the file at hand.
    scan = pl.scan_parquet(file.path)
    try:
        rows = scan.select(pl.len()).collect().item()
        for start in range(0, rows, _SLICE_HEIGHT):
            part = scan.slice(start, _SLICE_HEIGHT).collect()
            for frame in part.iter_slices(height):
                yield _shaped(frame, shape)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(file, error) from error


def _shaped(frame: pl.DataFrame, shape: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with exactly the columns and types of another; what it lacks is null."""
    widened = pl.concat([shape, frame], how="diagonal_relaxed").select(shape.columns)
    return widened.cast(shape.schema)


def _unreadable(file: SourceFile, error: Exception) -> ConfigurationError:
    said = str(error).partition("\n")[0]
    return ConfigurationError(f"{file.name} cannot be read as Parquet: {said}.")
