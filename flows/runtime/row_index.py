"""Where rows lie: by key and content, in which of some files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llms.digest import digest
from tasks.row import KEY, SHADOW, visible

PLACE = f"{SHADOW}place"
"""The number of the file that a row lies in."""

_NAMED = {"name": pl.UInt64, "key": pl.UInt64, PLACE: pl.UInt32}


def hashed(rows: pl.DataFrame) -> pl.Series:
    """Return hashes of rows; in one process, equal rows with equal columns have the same one."""
    names = sorted(visible(rows.columns))
    seed = _seed(rows, names)
    if not names:
        return pl.repeat(seed, rows.height, dtype=pl.UInt64, eager=True)
    return rows.select(names).hash_rows(seed=seed)


@dataclass(frozen=True, slots=True)
class RowIndex:
    """The rows of numbered files, by hashes that are good in this process: 20 bytes a row."""

    rows: pl.DataFrame

    @classmethod
    def of(cls, files: Sequence[pl.DataFrame]) -> RowIndex:
        """Make the index of `located` rows; of equal ones the last counts."""
        rows = pl.concat([pl.DataFrame(schema=_NAMED), *files])
        return cls(rows.unique(["name", "key"], keep="last").sort("name"))

    def find(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return key and place of those rows of a frame that are there, in its order."""
        if not self.rows.height:
            return pl.DataFrame(schema={KEY: pl.String, PLACE: pl.UInt32})
        wanted = _named(frame)
        last = self.rows.height - 1
        there = self.rows[self.rows["name"].search_sorted(wanted["name"]).clip(0, last)]
        same = (there["name"] == wanted["name"]) & (there["key"] == wanted["key"])
        return pl.DataFrame({KEY: frame[KEY], PLACE: there[PLACE]}).filter(same)


def located(rows: pl.DataFrame, place: int) -> pl.DataFrame:
    """Return what an index knows of the rows of a file."""
    return _named(rows).with_columns(pl.lit(place, pl.UInt32).alias(PLACE))


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Return a hash of each row with its key, and one of the key alone.

    The columns count with their types and in their order: what is made of a row shows them so.
    """
    shown = visible(rows.columns)
    seed = _seed(rows, shown)
    names = rows.select(KEY, *shown).hash_rows(seed=seed)
    return pl.DataFrame({"name": names, "key": rows[KEY].hash(seed=seed)})


def _seed(rows: pl.DataFrame, names: Sequence[str]) -> int:
    """Return a seed that differs with the columns and their types."""
    return int(digest([[name, str(rows.schema[name])] for name in names])[:15], 16)
