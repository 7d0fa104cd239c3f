"""What a store holds, what it has saved, and how it gets smaller."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from llms.errors import ConfigurationError, StoreError
from llms.spending import NANODOLLARS
from llms.store.database import Connection, Database, places

_ANSWERS_AT_ONCE = 500
_PATIENCE = 2.0

_LAST_USE = "CASE WHEN u.used > c.created THEN u.used ELSE c.created END"
_ANSWERS = "FROM completions c LEFT JOIN uses u ON u.key = c.key"


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """The stored answers of one model; see `StoreTotals`."""

    model: str
    answers: int
    hits: int
    spent_usd: float
    saved_usd: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class StoreTotals:
    """How many answers a store holds, its bytes on disk, and how often an answer was found again.

    `spent_usd` is what the answers cost, `saved_usd` what the hits would have; `unpriced` answers
    have no known price and count as nothing in both.
    """

    answers: int
    bytes: int
    hits: int
    spent_usd: float
    saved_usd: float
    unpriced: int
    models: tuple[ModelTotals, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many answers were removed, and how many bytes they had."""

    answers: int
    bytes: int


def totals(database: Database, connection: Connection) -> StoreTotals:
    """Add up a store, the model with most answers first."""
    rows = connection.execute(
        f"SELECT c.model, count(*), CAST(coalesce(sum(u.hits), 0) AS BIGINT), "
        f"CAST(coalesce(sum(c.nanodollars), 0) AS BIGINT), "
        f"CAST(coalesce(sum(u.hits * c.nanodollars), 0) AS BIGINT), "
        f"count(*) - count(c.nanodollars) {_ANSWERS} GROUP BY c.model"
    )
    sums = [sum(row[column] for row in rows) for column in range(1, 6)]
    answers, hits, spent, saved, unpriced = sums
    return StoreTotals(
        answers=answers,
        bytes=database.size(connection),
        hits=hits,
        spent_usd=spent / NANODOLLARS,
        saved_usd=saved / NANODOLLARS,
        unpriced=unpriced,
        models=tuple(
            ModelTotals(model, answers, hits, spent / NANODOLLARS, saved / NANODOLLARS, unpriced)
            for model, answers, hits, spent, saved, unpriced in sorted(
                rows, key=lambda row: (-row[1], row[0])
            )
        ),
    )


def prune(
    database: Database, unused_since: float | None, pipeline: str | None, dry_run: bool
) -> Pruned:
    """Remove answers and free their room; some at a time, so that others can write meanwhile.

    Raises:
        ConfigurationError: neither a time nor a pipeline was given.
        StoreError: another process keeps the store locked.
    """
    if unused_since is None and pipeline is None:
        raise ConfigurationError(
            "Pruning needs to know which answers: those unused for some time, those of a "
            "pipeline, or both."
        )
    chosen = "c.key > ?"
    values: list[Any] = []
    if unused_since is not None:
        chosen += f" AND {_LAST_USE} < ?"
        values.append(unused_since)
    if pipeline is not None:
        chosen += " AND c.pipeline = ?"
        values.append(pipeline)
    try:
        with closing(database.connect(_PATIENCE)) as connection:
            if dry_run:
                return _counted(connection, chosen, ["", *values])
            removed = _remove_all(connection, chosen, values)
            database.free_space(connection)
            return removed
    except Exception as error:
        if not database.is_busy(error):
            raise
        raise StoreError(
            f"Another process is writing to the completion store {database.name!r}; prune it again "
            f"when that one is done."
        ) from error


def _counted(connection: Connection, chosen: str, values: Sequence[Any]) -> Pruned:
    [(answers, size)] = connection.execute(
        f"SELECT count(*), CAST(coalesce(sum(length(c.answer)), 0) AS BIGINT) {_ANSWERS} "
        f"WHERE {chosen}",
        values,
    )
    return Pruned(answers, size)


def _remove_all(connection: Connection, chosen: str, values: Sequence[Any]) -> Pruned:
    answers = size = 0
    last = ""

    def remove() -> list[tuple[str, int]]:
        rows = connection.execute(
            f"SELECT c.key, length(c.answer) {_ANSWERS} WHERE {chosen} ORDER BY c.key LIMIT ?",
            [last, *values, _ANSWERS_AT_ONCE],
        )
        if rows:
            keys = [key for key, _ in rows]
            for table in ("completions", "uses"):
                connection.execute(
                    f"DELETE FROM {table} WHERE key IN {places([tuple(keys)])}", keys
                )
        return [(key, length) for key, length in rows]

    while removed := connection.transact(remove):
        answers += len(removed)
        size += sum(length for _, length in removed)
        last = removed[-1][0]
    return Pruned(answers, size)
