"""Where a table is cut into row groups: by its content, so that a change moves no other cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_LEAST_BYTES = 12_000_000
_EXPECTED_BYTES = 16_000_000
_MOST_BYTES = 48_000_000
_WINDOW = 4
"""Rows whose sizes decide whether a group may end after the last of them."""

Sizes = NDArray[np.uint64]


def row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of tables as row groups, however the tables were cut.

    A group has at least `_LEAST_BYTES` and ends, `_EXPECTED_BYTES` later on average, after a row
    that the sizes of the last few rows choose. Rows that come or go before it do not change that.
    """
    waiting: list[pa.Table] = []
    size = 0
    before = np.zeros(_WINDOW - 1, dtype=np.uint64)
    for table in tables:
        sizes = row_sizes(table)
        chosen = _chosen(before, sizes)
        before = np.concatenate([before, sizes])[-(_WINDOW - 1) :]
        begun = 0
        while begun < table.num_rows:
            reached = size + np.cumsum(sizes[begun:])
            ends = np.flatnonzero(
                ((reached >= _LEAST_BYTES) & chosen[begun:]) | (reached >= _MOST_BYTES)
            )
            end = begun + int(ends[0]) + 1 if ends.size else table.num_rows
            waiting.append(table.slice(begun, end - begun))
            size += int(sizes[begun:end].sum())
            begun = end
            if ends.size:
                yield _joined(waiting)
                size = 0
    if waiting:
        yield _joined(waiting)


def _joined(waiting: list[pa.Table]) -> pa.Table:
    """Take the tables out of a list and return them as one, so that the rows are held once."""
    group = pa.concat_tables(waiting).combine_chunks()
    waiting.clear()
    return group


def row_sizes(table: pa.Table) -> Sizes:
    """Return the bytes of each row's values; they are the same however these lie in memory."""
    sizes = np.zeros(table.num_rows, dtype=np.uint64)
    for column in table.columns:
        sizes += np.concatenate([_sizes(chunk) for chunk in column.chunks] or [sizes])
    return sizes


def _sizes(values: Any) -> Sizes:
    kind = values.type
    if pa.types.is_struct(kind):
        fields = [_sizes(field) for field in values.flatten()]
        return cast(Sizes, np.sum(fields, axis=0, dtype=np.uint64, initial=0))
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(lengths)
        until = np.concatenate([[np.uint64(0)], np.cumsum(_sizes(values.flatten()))])
        return cast(Sizes, until[ends] - until[ends - lengths] + np.uint64(4))
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        lengths = pc.fill_null(pc.binary_length(values), 0).to_numpy(zero_copy_only=False)
        return cast(Sizes, lengths.astype(np.uint64) + np.uint64(4))
    width = 0 if pa.types.is_null(kind) else -(-kind.bit_width // 8)
    return np.full(len(values), width, dtype=np.uint64)


def _chosen(before: Sizes, sizes: Sizes) -> NDArray[np.bool_]:
    """Tell after which rows a group may end: one in about `_EXPECTED_BYTES`."""
    window = np.concatenate([before, sizes])
    mixed = np.zeros(len(sizes), dtype=np.uint64)
    for offset in range(_WINDOW):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + window[offset : offset + len(sizes)]
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    drawn = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return drawn < sizes.astype(np.float64) / _EXPECTED_BYTES
