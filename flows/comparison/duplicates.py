"""Rows whose texts share most of their words, in clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.comparison.pairing import spread
from flows.comparison.shares import moved
from flows.comparison.texts import has_text, texts_at
from flows.versions.saved import SavedVersion
from llms.errors import MissingPackageError
from tasks.filtering.min_hash_dedup import MinHashDedup

SAMPLE = 50_000
"""The most rows of a version that are read."""

SIMILARITY = 0.8
"""The estimated Jaccard similarity of the words of two texts that count as near-duplicates."""

_BANDS = 16
_DEVIATIONS = 5
_CLUSTERS = 5
_MEMBERS = 3
_EXCERPT = 300
_ROWS_AT_A_TIME = 1_000
_WORD = r"\w+|[^\w\s]"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Near-duplicates of one row: how many rows with it, and the beginnings of some."""

    rows: int
    excerpts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """The near-duplicates in a column: of `rows` rows read, so many are like an earlier one.

    `share_before` is their share in the earlier version, None where there was none. `named` is true
    where the share moved by two points and by more than five standard errors.
    """

    column: str
    rows: int
    duplicates: int
    clusters: tuple[Cluster, ...]
    share_before: float | None
    named: bool

    @property
    def share(self) -> float:
        """The share of rows that are like an earlier one."""
        return self.duplicates / self.rows if self.rows else 0.0


def near_duplicates(
    version: SavedVersion, before: SavedVersion | None, configuration: str, column: str
) -> NearDuplicates | None:
    """Return the near-duplicates in a column of texts, None where `rensa` is not installed.

    MinHash (Broder 1997) over the words of the first 2,000 characters, as MinHashDedup takes them,
    of up to 50,000 rows. One is in the cluster of the first row that it is like.
    """
    if before and not has_text(before, configuration, column):
        before = None
    try:
        MinHashDedup().load()
        now = _read(version, configuration, column)
        then = _read(before, configuration, column) if before else None
    except MissingPackageError:
        return None
    largest = sorted(now.groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return NearDuplicates(
        column,
        now.rows,
        now.duplicates,
        tuple(_cluster(now, first, others) for first, others in largest[:_CLUSTERS]),
        then.duplicates / then.rows if then and then.rows else None,
        then is not None
        and moved(now.duplicates, now.rows, then.duplicates, then.rows, deviations=_DEVIATIONS),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """Texts, and for the number of each that others are like, the numbers of these."""

    texts: pl.Series
    groups: dict[int, list[int]]

    @property
    def rows(self) -> int:
        return len(self.texts)

    @property
    def duplicates(self) -> int:
        return sum(map(len, self.groups.values()))


def _read(version: SavedVersion, configuration: str, column: str) -> _Read:
    from rensa import RMinHashDeduplicator  # type: ignore[import-untyped]  # it has no types

    rows = pl.int_range(version.rows_of(configuration), eager=True)
    texts = texts_at(version, configuration, column, spread(rows, SAMPLE))
    texts = texts.filter(texts.str.contains(_WORD))
    step = MinHashDedup(threshold=SIMILARITY)
    kept: Any = RMinHashDeduplicator(step.threshold, step.num_perm, True, _BANDS, step.seed)
    groups: dict[int, list[int]] = {}
    for start in range(0, len(texts), _ROWS_AT_A_TIME):
        words = texts.slice(start, _ROWS_AT_A_TIME).str.extract_all(_WORD).to_list()
        numbers = range(start, start + len(words))
        firsts = kept.add_pairs(list(zip(map(str, numbers), words, strict=True)))
        like = [number for number, first in zip(numbers, firsts, strict=True) if not first]
        found = kept.get_duplicate_sets([words[number - start] for number in like])
        for number, others in zip(like, found, strict=True):
            groups.setdefault(min(map(int, others)), []).append(number)
    return _Read(texts, groups)


def _cluster(read: _Read, first: int, others: list[int]) -> Cluster:
    shown = read.texts[[first, *others[: _MEMBERS - 1]]]
    cut = (text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 1]}…" for text in shown)
    return Cluster(1 + len(others), tuple(cut))
