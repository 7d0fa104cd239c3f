"""Lists written as JSON."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from tasks.column_types import ColumnTypes, Misfit, frame_with
from tasks.row import Row


def decoded(column: pl.Series, reasons: dict[int, str]) -> pl.Series:
    """Read the JSON lists in a column of text; one that is none is null and has its reason noted.

    `reasons` gets the index of the row and what is wrong with it.
    """
    name = column.name
    types = ColumnTypes({})
    rows: list[Row] = []
    for index, text in enumerate(column):
        items: Any = None
        try:
            items = None if text is None else json.loads(text)
            if not isinstance(items, list | None):
                raise Misfit("it is no list")
            types.see({name: items})
        except (RecursionError, ValueError) as error:
            reasons[index] = f"the column {name!r} holds no JSON list: {error}"
            items = None
        rows.append({name: items})
    return frame_with(rows, {name: types.found.get(name, pl.Null())}).to_series()
