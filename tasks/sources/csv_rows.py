"""Reading CSV: a header, commas, UTF-8; an empty cell is null."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import polars as pl

from llms.errors import ConfigurationError
from tasks.column_types import Types, merged
from tasks.sources.files import SourceFile

_LONGEST_CELL = 2**31 - 1
_BLOCK = 1000
# Numbers are recognised only in the form in which they would be written back: "007" is text.
_WHOLE = r"^-?(0|[1-9][0-9]{0,17})$"
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)$"


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]


def column_types(file: SourceFile, given: Mapping[str, pl.DataType]) -> Types:
    """Return the types of the columns, from every row.

    Raises:
        ConfigurationError: a line has too many or too few cells, or one that is not of its given
            type.
    """
    records = _records(file)
    header = _header(file, records)
    types: Types = dict.fromkeys(header, pl.Null())
    while block := list(islice(records, _BLOCK)):
        for name, cells in _columns(header, block).items():
            if name in given:
                types[name] = given[name]
                _refuse_unfit(file, block, cells, given[name])
            else:
                types[name] = merged(types[name], _type_of(cells))
    return types


def frames(file: SourceFile, types: Types, height: int) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of at most `height` rows, all with the given columns."""
    records = _records(file)
    header = _header(file, records)
    while block := list(islice(records, height)):
        columns = _columns(header, block)
        yield pl.DataFrame(
            {
                name: _cast(columns[name], kind)
                if name in columns
                else pl.Series([None] * len(block), dtype=kind)
                for name, kind in types.items()
            }
        )


def _records(file: SourceFile) -> Iterator[_Record]:
    csv.field_size_limit(_LONGEST_CELL)
    width = None
    with file.path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            for cells in reader:
                if not cells:
                    continue
                width = width or len(cells)
                if len(cells) != width:
                    raise ConfigurationError(
                        f"{file.name}, line {reader.line_num}: {len(cells)} cells where the header "
                        f"has {width}; mend or remove the line."
                    )
                yield _Record(reader.line_num, cells)
        except csv.Error as error:
            raise ConfigurationError(
                f"{file.name}, line {reader.line_num}: this is not valid CSV ({error})."
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"{file.name}, after line {reader.line_num}: this is not UTF-8 ({error.reason}); "
                f"save the file as UTF-8."
            ) from error


def _header(file: SourceFile, records: Iterator[_Record]) -> list[str]:
    header = next(records, None)
    if header is None:
        return []
    for name in header.cells:
        if not name or header.cells.count(name) > 1:
            problem = f"names {name!r} twice" if name else "has a column without a name"
            raise ConfigurationError(f"{file.name}, line {header.line}: the header {problem}.")
    return header.cells


def _columns(header: list[str], block: list[_Record]) -> dict[str, pl.Series]:
    cells = zip(*(record.cells for record in block), strict=True)
    return {
        name: pl.Series([cell or None for cell in column], dtype=pl.String)
        for name, column in zip(header, cells, strict=True)
    }


def _type_of(cells: pl.Series) -> pl.DataType:
    present = cells.drop_nulls()
    if not len(present):
        return pl.Null()
    whole = present.str.contains(_WHOLE)
    if whole.all():
        return pl.Int64()
    if (whole | present.str.contains(_NUMBER)).all():
        return pl.Float64()
    if present.str.to_lowercase().is_in(["true", "false"]).all():
        return pl.Boolean()
    return pl.String()


def _cast(cells: pl.Series, kind: pl.DataType) -> pl.Series:
    if cells.null_count() == len(cells):
        return pl.Series([None] * len(cells), dtype=kind)
    if kind == pl.Boolean:
        lower = cells.str.to_lowercase()
        return lower.replace_strict(["true", "false"], [True, False], return_dtype=pl.Boolean)
    return cells.cast(kind)


def _refuse_unfit(
    file: SourceFile, block: list[_Record], cells: pl.Series, kind: pl.DataType
) -> None:
    try:
        _cast(cells, kind)
    except pl.exceptions.PolarsError as error:
        if len(block) > 1:
            for index, record in enumerate(block):
                _refuse_unfit(file, [record], cells[index : index + 1], kind)
        raise ConfigurationError(
            f"{file.name}, line {block[0].line}: {cells[0]!r:.80} is not of the type {kind} that "
            f"column_types asks for."
        ) from error
