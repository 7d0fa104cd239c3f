"""Tokens in the metadata of a row, shared out among the rows made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

_TOKENS = ("input_tokens", "output_tokens")


def shared_out(metadata: pl.Series, shares: Sequence[tuple[int, int]]) -> pl.Series:
    """Share out the tokens of every step's statistics; the first rows get what is left over.

    `shares` says for every row which one it is of how many, counted from 0.
    """
    rows = [
        row
        and {
            name: _share(value, *share) if name.startswith("statistics_") else value
            for name, value in row.items()
        }
        for row, share in zip(metadata, shares, strict=True)
    ]
    return pl.Series(metadata.name, rows, dtype=metadata.dtype)


def _share(value: Any, number: int, count: int) -> Any:
    """Return the share of the `number`-th of `count` rows in a step's statistics."""
    if isinstance(value, list):
        return [_share(item, number, count) for item in value]
    if not isinstance(value, Mapping):
        return value
    parts = dict(value)
    for name in _TOKENS:
        if isinstance(parts.get(name), int):
            whole, left_over = divmod(parts[name], count)
            parts[name] = whole + (number < left_over)
    return parts
