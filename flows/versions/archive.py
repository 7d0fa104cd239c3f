"""What a version was made from, kept with it: the rows of its sources and the models' answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import polars as pl

from flows.dataset import DatasetVersion
from flows.runtime.workspace import Partition
from flows.versions.manifest import Shard
from flows.versions.parquet import write_shards
from flows.versions.saved import SavedVersion
from llms.store import ArchivedAnswer, CompletionStore
from tasks.generator_task import GeneratorTask
from tasks.row import PARENT
from tasks.step import GeneratorStep

_ROWS_AT_ONCE = 5_000
_ANSWERS = pl.Schema({"key": pl.String(), "completion": pl.String(), "data": pl.Binary()})


def write_sources(version: DatasetVersion, folder: Path) -> dict[str, tuple[Shard, ...]]:
    """Write the rows of each source, with their keys."""
    written = {}
    for name, partitions in read_sources(version).items():
        schema = version.workspace.scan(partitions).drop(PARENT).collect_schema()
        frames = (version.workspace.read(partition) for partition in partitions)
        written[name] = write_shards(frames, schema, folder, f"provenance/sources/{name}")
    return written


def read_sources(version: DatasetVersion) -> dict[str, list[Partition]]:
    """Return the partitions of the sources; rows that a model makes come from none."""
    return {
        name: version.partitions[name]
        for name, step in version.graph.steps.items()
        if isinstance(step, GeneratorStep) and not isinstance(step, GeneratorTask)
    }


def write_answers(
    version: DatasetVersion, folder: Path, store: CompletionStore
) -> tuple[Shard, ...]:
    """Write the answers behind the version, in the order of their keys.

    Vectors that cost nothing are left out: they are made again.
    """
    parts = [part for partitions in version.partitions.values() for part in partitions]
    receipts = version.workspace.receipts(parts)
    paid = receipts.filter((pl.col("requests") > 0) | (pl.col("cost_usd").fill_null(1.0) > 0))
    keys = paid["key"].unique().sort()
    return write_shards(_frames(keys, store), _ANSWERS, folder, "provenance/answers")


def restore_answers(version: SavedVersion, store: CompletionStore) -> int:
    """Put the answers kept with a version into a store; return how many it did not have."""
    files = [version.folder / shard.path for shard in version.manifest.answers]

    def kept() -> Iterator[ArchivedAnswer]:
        for file in files:
            missing = store.missing(pl.read_parquet(file, columns=["key"])["key"].to_list())
            if missing:
                rows = pl.scan_parquet(file).filter(pl.col("key").is_in(missing)).collect()
                yield from (ArchivedAnswer(*row) for row in rows.iter_rows())

    return store.restore(kept())


def kept_sources(version: SavedVersion) -> Mapping[str, pl.LazyFrame]:
    """Return the rows of each source of a version, with their keys in `_row_key`."""
    return {
        name: pl.scan_parquet([version.folder / shard.path for shard in shards])
        for name, shards in version.manifest.sources.items()
    }


def _frames(keys: pl.Series, store: CompletionStore) -> Iterator[pl.DataFrame]:
    for some in keys.to_frame().iter_slices(_ROWS_AT_ONCE):
        found = {item.key: item for item in store.archive(some["key"].to_list())}
        ordered = [asdict(found[key]) for key in some["key"] if key in found]
        yield pl.DataFrame(ordered, schema=_ANSWERS)
