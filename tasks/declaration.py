"""How steps declare the columns they read and make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Columns = Sequence[str] | Mapping[str, Any]
"""Column names; or names with a polars type, True (needed) or False (optional) for each."""


def required(columns: Columns) -> list[str]:
    """Return the names of the columns that must be there."""
    if isinstance(columns, Mapping):
        return [name for name, kind in columns.items() if kind is not False]
    return list(columns)


def typed(columns: Columns) -> dict[str, Any]:
    """Return column names with their polars types, None where unknown."""
    if isinstance(columns, Mapping):
        return {name: None if isinstance(kind, bool) else kind for name, kind in columns.items()}
    return dict.fromkeys(columns)
