"""Reading datasets of the library `datasets`, a part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl


def frames(dataset: Any, height: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a `Dataset` or `IterableDataset` in frames of at most `height` rows."""
    for table in dataset.with_format("arrow").iter(batch_size=height):
        yield pl.DataFrame(pl.from_arrow(table))


def schema(dataset: Any) -> pl.Schema:
    """Return the columns of a `Dataset` with their types."""
    return pl.DataFrame(pl.from_arrow(dataset.features.arrow_schema.empty_table())).schema
