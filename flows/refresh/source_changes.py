"""Which source rows are new, changed, unchanged or gone since a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flows.runtime.row_index import hashed
from flows.runtime.workspace import Partition, Workspace
from flows.versions.archive import kept_sources
from flows.versions.provenance import row_digests
from flows.versions.saved import SavedVersion
from tasks.row import KEY, visible

STATUSES = ("new", "changed", "unchanged")
_CONTENT = "_content"
_ROWS = {"source": pl.String, "source_key": pl.String, "status": pl.String}


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """`rows` have the columns `source`, `source_key` and `status`; `removed` counts the rows of
    each source that are gone.

    `is_exact` says that the version kept the rows of its sources. Without them a row that left
    nothing in the dataset counts as new.
    """

    rows: pl.DataFrame
    removed: Mapping[str, int]
    is_exact: bool


def source_changes(
    workspace: Workspace,
    sources: Mapping[str, Sequence[Partition]],
    before: SavedVersion | None,
) -> SourceChanges:
    """Compare the rows of sources with those that a version was made from.

    A row is known by its key. Without a version, or where it keeps no provenance, all are new.
    """
    then = _then(before)
    frames, removed = [pl.DataFrame(schema=_ROWS)], dict.fromkeys(sources, 0)
    for name, partitions in sources.items():
        now = workspace.scan(partitions).collect()
        status: pl.Expr = pl.lit("new")
        if name in then:
            now, earlier = _contents(now, then[name])
            now = now.join(earlier, on=KEY, how="left", suffix="_before", maintain_order="left")
            status = (
                pl.when(pl.col(f"{_CONTENT}_before").is_null())
                .then(pl.lit("new"))
                .when(pl.col(_CONTENT) == pl.col(f"{_CONTENT}_before"))
                .then(pl.lit("unchanged"))
                .otherwise(pl.lit("changed"))
            )
            removed[name] = earlier.join(now, on=KEY, how="anti").height
        columns = (pl.lit(name).alias("source"), pl.col(KEY).alias("source_key"))
        frames.append(now.select(*columns, status.alias("status")))
    gone = {name: rows.height for name, rows in then.items() if name not in sources}
    exact = before is None or not sources or bool(before.manifest.sources)
    return SourceChanges(pl.concat(frames), removed | gone, exact)


def _then(before: SavedVersion | None) -> dict[str, pl.DataFrame]:
    """Return the rows of each source; where they are not kept, their keys and digests."""
    if before is None:
        return {}
    if before.manifest.sources:
        return {name: rows.collect() for name, rows in kept_sources(before).items()}
    records = before.provenance()
    if records is None:
        return {}
    known = (
        records.select(
            "source", pl.col("source_key").alias(KEY), pl.col("source_digest").alias(_CONTENT)
        )
        .drop_nulls()
        .unique(["source", KEY])
        .collect()
    )
    return {str(name): rows.drop("source") for (name,), rows in known.group_by("source")}


def _contents(now: pl.DataFrame, then: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return key and content of rows now and then: hashes where both have the same columns and
    types, else digests, for which a column that came late or a wider type changes nothing.
    """
    if _CONTENT in then.columns:
        return _with_content(now, row_digests(now)), then
    if _schema(now) == _schema(then):
        return _with_content(now, hashed(now)), _with_content(then, hashed(then))
    return _with_content(now, row_digests(now)), _with_content(then, row_digests(then))


def _schema(rows: pl.DataFrame) -> dict[str, pl.DataType]:
    return {name: rows.schema[name] for name in visible(rows.columns)}


def _with_content(rows: pl.DataFrame, contents: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({KEY: rows[KEY], _CONTENT: contents})
