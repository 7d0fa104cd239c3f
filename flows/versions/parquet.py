"""Rows as Parquet files, cut by their content: what did not change is the same bytes again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.versions.manifest import Shard, sha256_of
from flows.versions.row_groups import row_groups, row_sizes

_SHARD_BYTES = 300_000_000
"""Size in memory of the rows in a file at most; compressed it is a fraction of that."""

_CHUNKS = {"min_chunk_size": 64 * 1024, "max_chunk_size": 256 * 1024}
_ZSTD_LEVEL = 3


def write_shards(
    frames: Iterable[pl.DataFrame], schema: pl.Schema, folder: Path, stem: str
) -> tuple[Shard, ...]:
    """Write frames to `<stem>-00000-of-00001.parquet` and so on, and return what was written.

    Frames are brought into the schema; how they were cut does not change a byte. There is a file
    even where there are no rows.
    """
    columns = arrow_schema(schema)
    first = folder / stem
    first.parent.mkdir(parents=True, exist_ok=True)
    groups = row_groups(_table(with_schema(frame, schema), columns) for frame in frames)
    group = next(groups, columns.empty_table())
    parts: list[Path] = []
    rows: list[int] = []
    while group is not None:
        parts.append(first.with_name(f"{first.name}-{len(parts):05}.part"))
        rows.append(_write(group, groups, columns, parts[-1]))
        group = next(groups, None)
    shards = []
    for number, part in enumerate(parts):
        path = f"{stem}-{number:05}-of-{len(parts):05}.parquet"
        part.rename(folder / path)
        size = (folder / path).stat().st_size
        shards.append(
            Shard(path=path, rows=rows[number], bytes=size, sha256=sha256_of(folder / path))
        )
    return tuple(shards)


def arrow_schema(schema: pl.Schema) -> pa.Schema:
    """Return a schema with the types that `datasets` gives such columns: no large strings."""
    empty = pl.DataFrame(schema=schema).to_arrow(compat_level=pl.CompatLevel.oldest())
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in empty.schema])


def with_schema(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Bring a frame into a schema: columns it lacks are null, others are cast."""
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )


def _plain(kind: Any) -> Any:
    if pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    if pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_plain(kind.value_type), kind.list_size)
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    return kind


def _table(frame: pl.DataFrame, columns: pa.Schema) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(columns)


def _write(group: pa.Table, more: Iterator[pa.Table], columns: pa.Schema, file: Path) -> int:
    """Write row groups to a file until it is full, and return how many rows it has."""
    # A dictionary of texts, or the smallest and largest one of each page, changes with any of them.
    numbers = [field.name for field in columns if pa.types.is_primitive(field.type)]
    rows = size = 0
    with pq.ParquetWriter(
        file,
        columns,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        use_dictionary=False,
        write_statistics=numbers,
        write_page_index=True,
        use_content_defined_chunking=_CHUNKS,
    ) as writer:
        while group is not None:
            writer.write_table(group, row_group_size=max(1, group.num_rows))
            rows += group.num_rows
            size += int(row_sizes(group).sum())
            group = None if _is_full(size, group) else next(more, None)
    return rows


def _is_full(size: int, last: pa.Table) -> bool:
    """Tell whether a file ends here; rows that come or go in an earlier file rarely change that."""
    chosen: bool = last.num_rows % 4 == 0
    return size >= _SHARD_BYTES or (chosen and size >= _SHARD_BYTES // 2)
