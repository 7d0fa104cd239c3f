"""The first rows of a source, and what is said where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from llms.errors import ConfigurationError


def first_rows(
    frames: Iterable[pl.DataFrame], limit: int | None, nothing: str
) -> Iterator[pl.DataFrame]:
    """Yield frames up to exactly `limit` rows, or all of them.

    Raises:
        ConfigurationError: there is no row; `nothing` is its text.
    """
    rows = 0
    for frame in frames:
        left = frame.height if limit is None else limit - rows
        yield frame.head(left)
        rows += min(frame.height, left)
        if rows == limit:
            return
    if not rows:
        raise ConfigurationError(nothing)
