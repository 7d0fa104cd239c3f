"""Rows given as a list of dicts."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from llms.errors import ConfigurationError
from tasks.column_types import ColumnTypes, Misfit, Types, refuse_empty_structs
from tasks.row import Row


def _refuse_no_rows(rows: list[Row]) -> list[Row]:
    if not any(rows):
        raise ValueError("there are no rows; give a list with at least one dict")
    return rows


DictRows = Annotated[list[Row], AfterValidator(_refuse_no_rows)]
"""A parameter that takes rows as dicts, at least one of them with a column."""


def column_types(rows: list[Row]) -> Types:
    """Return every key of every dict with the type that holds all its values.

    Raises:
        ConfigurationError: the values of a key cannot share a column.
    """
    types = ColumnTypes({})
    for number, row in enumerate(rows, 1):
        try:
            types.see(row)
        except Misfit as error:
            raise ConfigurationError(f"Row {number} of data does not fit: {error}.") from error
    refuse_empty_structs(types.found, "data", "leave it out")
    return types.found
