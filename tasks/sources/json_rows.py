"""Reading JSON: one object a line, or an array of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import polars as pl

from llms.errors import ConfigurationError
from tasks.column_types import ColumnTypes, Misfit, Types, frame_with
from tasks.row import Row
from tasks.sources.files import SourceFile


def column_types(file: SourceFile, given: Mapping[str, pl.DataType]) -> Types:
    """Return the types of the columns, from every row.

    Raises:
        ConfigurationError: a line is not a JSON object, or its values fit no column.
    """
    types = ColumnTypes(given)
    for line, row in _rows(file):
        try:
            types.see(row)
        except Misfit as error:
            raise ConfigurationError(
                f"{file.name}, line {line}: {error}; mend it, or give column_types={{column: "
                f"'String'}} to read the column as text."
            ) from error
    return types.found


def frames(file: SourceFile, types: Types, height: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of at most `height` rows, all with the given columns."""
    rows = (row for _, row in _rows(file))
    while taken := list(islice(rows, height)):
        yield frame_with(taken, types)


def _rows(file: SourceFile) -> Iterator[tuple[int, Row]]:
    """Yield line numbers and rows; a JSON array is read whole, lines one by one."""
    if file.filetype == "json" and _starts_array(file):
        try:
            items = json.loads(file.path.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise _malformed(file, getattr(error, "lineno", 1), error) from error
        for number, item in enumerate(items, 1):
            yield number, _row(file, f"item {number}", item)
        return
    with file.path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip():
                continue
            try:
                item = json.loads(line)
            except ValueError as error:
                raise _malformed(file, number, error) from error
            yield number, _row(file, f"line {number}", item)


def _starts_array(file: SourceFile) -> bool:
    with file.path.open(encoding="utf-8-sig", errors="replace") as text:
        while piece := text.read(4096):
            if piece.strip():
                return piece.lstrip().startswith("[")
    return False


def _row(file: SourceFile, place: str, item: Any) -> Row:
    if not isinstance(item, dict):
        kind = type(item).__name__
        raise ConfigurationError(f"{file.name}, {place}: a row is a JSON object, not a {kind}.")
    return item


def _malformed(file: SourceFile, line: int, error: ValueError) -> ConfigurationError:
    return ConfigurationError(
        f"{file.name}, line {line}: this is not valid JSON ({error}); mend or remove the line."
    )
