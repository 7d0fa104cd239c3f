"""A record for each row: its source row, the answers behind it, and the run that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from flows.dataset import DatasetVersion
from flows.runtime.row_index import hashed
from flows.runtime.workspace import Partition, Workspace
from flows.versions.lineage import ROW, trace
from flows.versions.saved import PROVENANCE, SavedVersion
from llms.digest import digest
from tasks.row import KEY, Rejection, settled, visible

TRAIN, TEST = "train", "test"
_SOURCE = ("source", "source_key", "source_digest")


def records_of_rows(
    version: DatasetVersion, configuration: str, digests: pl.DataFrame, test_share: float
) -> pl.DataFrame:
    """Return the records of a configuration's rows, in their order, without `run`.

    The split follows from the source row alone, so that it stays under a refresh and rows of one
    source row stay together.
    """
    leaf = version.configurations[configuration]
    keys = version.keys(configuration)
    found = trace(version.graph, version.workspace, version.partitions, leaf, keys)
    share = pl.col("source_key").str.slice(0, 8).str.to_integer(base=16) / 2**32
    return _joined(keys, found.source, found.answers, digests).with_columns(
        pl.lit("made").alias("status"),
        pl.lit(configuration).alias("configuration"),
        pl.when(share < test_share).then(pl.lit(TEST)).otherwise(pl.lit(TRAIN)).alias("split"),
    )


def records_of_rejections(
    version: DatasetVersion, step: str, rejections: Sequence[Rejection], digests: pl.DataFrame
) -> pl.DataFrame:
    """Return the records of the rows that a step rejected, in their order, without `run`."""
    parents = pl.Series(KEY, [rejection.parent for rejection in rejections], dtype=pl.String)
    found = trace(
        version.graph, version.workspace, version.partitions, step, parents, rejected=True
    )
    keys = pl.Series(KEY, [rejection.key for rejection in rejections], dtype=pl.String)
    return _joined(keys, found.source, found.answers, digests).with_columns(
        pl.lit("rejected").alias("status"),
        pl.lit(step).alias("step"),
        pl.Series("reason", [_sound(item.reason) for item in rejections], dtype=pl.String),
    )


def source_digests(
    workspace: Workspace, sources: Mapping[str, Sequence[Partition]]
) -> pl.DataFrame:
    """Return the digest of each source row's content, by source and key."""
    frames = [pl.DataFrame(schema=dict.fromkeys(_SOURCE, pl.String))]
    for name, partitions in sources.items():
        for partition in partitions:
            frame = workspace.read(partition)
            columns = [[name] * frame.height, frame[KEY], row_digests(frame)]
            frames.append(pl.DataFrame(columns, schema=dict.fromkeys(_SOURCE, pl.String)))
    return pl.concat(frames)


def row_digests(rows: pl.DataFrame) -> pl.Series:
    """Return the digests of rows' contents, which no late column and no wider type changes."""
    contents = rows.select(visible(rows.columns)).iter_rows(named=True)
    return pl.Series([digest(settled(row)) for row in contents], dtype=pl.String)


def with_runs(
    records: pl.DataFrame, contents: pl.Series, run: str, before: SavedVersion | None
) -> pl.DataFrame:
    """Say which run made each record's row: an earlier one where row and origin are the same.

    `contents` are hashes of the rows, made in this process by `hashed`.
    """
    now = _complete(records)
    known = pl.Series("run", [None] * now.height, dtype=pl.String)
    if before is not None and (earlier := before.provenance()) is not None:
        then = earlier.collect()
        runs = pl.DataFrame(
            {"identity": _identities(then, _contents(before, then)), "run": then["run"]}
        )
        mine = pl.DataFrame({"identity": _identities(now, contents)})
        known = mine.join(
            runs.unique("identity"), on="identity", how="left", maintain_order="left"
        )["run"]
    return now.with_columns(known.fill_null(run).alias("run"))


def _contents(version: SavedVersion, records: pl.DataFrame) -> pl.Series:
    made = [hashed(version.frame(configuration)) for configuration in version.configurations]
    rejected = records.height - sum(map(len, made))
    return pl.concat([*made, pl.zeros(rejected, dtype=pl.UInt64, eager=True)])


def _identities(records: pl.DataFrame, contents: pl.Series) -> pl.Series:
    return hashed(records.drop("run").with_columns(contents.alias("content")))


def _sound(text: str) -> str:
    """Return text that a column can hold: half a character becomes a question mark."""
    return text.encode(errors="replace").decode()


def _complete(records: pl.DataFrame) -> pl.DataFrame:
    """Return records with all columns; what does not apply to them is null."""
    return records.select(
        (pl.col(name) if name in records.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in PROVENANCE.items()
    )


def _joined(
    keys: pl.Series, source: pl.DataFrame, answers: pl.DataFrame, digests: pl.DataFrame
) -> pl.DataFrame:
    rows = pl.DataFrame({ROW: pl.int_range(len(keys), eager=True), KEY: keys})
    return (
        rows.join(source, on=ROW, how="left", maintain_order="left")
        .join(digests, on=["source", "source_key"], how="left", maintain_order="left")
        .join(answers, on=ROW, how="left", maintain_order="left")
        .with_columns(pl.col("answers").fill_null([]))
        .drop(ROW)
    )
