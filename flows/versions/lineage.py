"""Where rows come from: their source rows, and the answers on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from flows.runtime.workspace import RECEIPTS, Partition, Workspace
from tasks.graph import Graph
from tasks.row import KEY, PARENT

ROW = "_row"
"""The number of a row that is traced."""

_ANSWER = ("step", "signature", *(name for name in RECEIPTS if name not in (PARENT, "requests")))


@dataclass(frozen=True, slots=True)
class Lineage:
    """For each traced row, by its number: its source step and row, and the answers behind it."""

    source: pl.DataFrame
    answers: pl.DataFrame


def trace(
    graph: Graph,
    workspace: Workspace,
    made: Mapping[str, Sequence[Partition]],
    step: str,
    keys: pl.Series,
    *,
    rejected: bool = False,
) -> Lineage:
    """Follow rows of a step back to their sources.

    `keys` are keys of rows that the step made, or, if `rejected`, of rows that went into it.
    """
    wanted = pl.DataFrame({ROW: pl.int_range(len(keys), eager=True), KEY: keys})
    sources: list[pl.DataFrame] = []
    receipts: dict[str, pl.DataFrame] = {}
    seen: set[str] = set()

    def visit(name: str, rows: pl.DataFrame, *, as_parents: bool) -> None:
        if name in seen:
            return
        seen.add(name)
        parents = rows if as_parents else _parents(workspace, made[name], rows)
        receipts[name] = _receipts(graph, workspace, made[name], name, parents)
        before = graph.sources_of(name)
        if not before:
            sources.append(
                parents.select(ROW, pl.lit(name).alias("source"), pl.col(KEY).alias("source_key"))
            )
        for source in before:
            visit(source, parents, as_parents=False)

    visit(step, wanted, as_parents=rejected)
    source = pl.concat(sources).unique(ROW, keep="first", maintain_order=True)
    listed = [receipts[name] for name in graph.order() if name in receipts]
    answers = (
        pl.concat(listed)
        .group_by(ROW, maintain_order=True)
        .agg(pl.struct(_ANSWER).alias("answers"))
    )
    return Lineage(source, answers)


def _parents(
    workspace: Workspace, partitions: Sequence[Partition], rows: pl.DataFrame
) -> pl.DataFrame:
    """Return the rows with the keys of what they were made from."""
    known = (
        pl.concat(
            [
                pl.scan_parquet(workspace.path(part.digest)).select(KEY, PARENT)
                for part in partitions
                if part.rows
            ]
            or [pl.LazyFrame(schema={KEY: pl.String, PARENT: pl.String})]
        )
        .unique(KEY, keep="first")
        .collect()
    )
    return rows.join(known, on=KEY, how="inner", maintain_order="left").select(
        ROW, pl.col(PARENT).alias(KEY)
    )


def _receipts(
    graph: Graph,
    workspace: Workspace,
    partitions: Sequence[Partition],
    name: str,
    parents: pl.DataFrame,
) -> pl.DataFrame:
    """Return the answers that a step got for rows that went into it."""
    found = workspace.receipts(partitions).rename({PARENT: KEY, "key": "answer"})
    joined = parents.join(found, on=KEY, how="inner", maintain_order="left_right")
    return joined.with_columns(
        pl.lit(name).alias("step"),
        pl.lit(graph.steps[name].signature).alias("signature"),
    ).select(ROW, *(pl.col("answer").alias("key") if c == "key" else pl.col(c) for c in _ANSWER))
