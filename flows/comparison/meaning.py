"""Whether the texts are about the same things: their vectors before and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from flows.comparison.drift import ColumnDrift
from flows.comparison.pairing import NOW, THEN, Pairing, spread
from flows.comparison.texts import has_text, longest_texts, texts_at
from flows.versions.saved import SavedVersion
from llms.embeddings.in_process import Encoder
from llms.embeddings.model import Vectors
from llms.embeddings.wordllama import WordLlamaEmbeddings
from llms.errors import ConfigurationError

SAMPLE = 1_000
"""The most rows of each version whose texts are read."""

_COLUMNS = 4
_SHUFFLES = 200
_DEVIATIONS = 5
_WORTH_NAMING = 0.02
_NEARNESS_WORTH_NAMING = 0.05


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near rows are to the old ones: the mean cosine to the nearest of them.

    `added` is that of the new rows, `before` that of the old rows among themselves. `named` is true
    where they differ by 0.05 and by more than five standard errors.
    """

    rows: int
    added: float
    before: float
    named: bool


@dataclass(frozen=True, slots=True)
class MeaningDrift:
    """How far a column's texts moved: the distance of the centroids of their vectors.

    `distance` is 1 - cosine, over `rows` rows now and `rows_before` before; `noise` how far apart
    they may be by chance: the mean and five standard deviations over 200 random divisions. `named`
    is true for more than that and 0.02. `nearness` is None without added rows.
    """

    column: str
    rows: int
    rows_before: int
    distance: float
    noise: float
    named: bool
    nearness: Nearness | None


def meaning_drift(
    version: SavedVersion,
    before: SavedVersion | None,
    configuration: str,
    pairing: Pairing,
    drifts: Sequence[ColumnDrift],
) -> list[MeaningDrift] | None:
    """Return how far the longest texts moved, None where there is no model to read them.

    WordLlama's word vectors of up to 1,000 rows of each version, and of as many added ones, over
    up to four columns.
    """
    if before is None or not pairing.rows or not pairing.rows_before:
        return []
    encoder = _encoder()
    if encoder is None:
        return None
    now, then = _Side(encoder, version, configuration), _Side(encoder, before, configuration)
    return [
        _drift(now, then, pairing, column)
        for column in longest_texts(drifts, _COLUMNS)
        if has_text(before, configuration, column)
    ]


def _encoder() -> Encoder | None:
    try:
        return WordLlamaEmbeddings().load()
    except (ConfigurationError, ImportError):
        return None


@dataclass(frozen=True, slots=True)
class _Side:
    """A version's texts as vectors."""

    encoder: Encoder
    version: SavedVersion
    configuration: str

    def vectors(self, column: str, numbers: pl.Series) -> Vectors:
        its = spread(numbers, SAMPLE)
        texts = texts_at(self.version, self.configuration, column, its)
        return self.encoder.encode(texts.to_list()).vectors


def _drift(mine: _Side, others: _Side, pairing: Pairing, column: str) -> MeaningDrift:
    now = mine.vectors(column, pairing.pairs[NOW].drop_nulls())
    then = others.vectors(column, pairing.pairs[THEN].drop_nulls())
    added = mine.vectors(column, pairing.added[NOW])
    distance, noise = _distance_of_centroids(now, then)
    return MeaningDrift(
        column,
        len(now),
        len(then),
        distance,
        noise,
        distance > max(_WORTH_NAMING, noise),
        _nearness(added, then) if len(added) and len(then) > 1 else None,
    )


def _distance_of_centroids(now: Vectors, then: Vectors) -> tuple[float, float]:
    both = np.concatenate([now, then])
    random = np.random.default_rng(0)
    sides = np.zeros((_SHUFFLES + 1, len(both)), np.float32)
    sides[0, : len(now)] = 1
    for side in sides[1:]:
        side[random.permutation(len(both))[: len(now)]] = 1
    first = sides @ both / max(1, len(now))
    second = (1 - sides) @ both / max(1, len(then))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    distances = 1 - (first * second).sum(axis=1) / np.maximum(lengths, np.finfo(np.float32).tiny)
    distance, chance = float(distances[0]), distances[1:]
    return max(distance, 0.0), float(chance.mean() + _DEVIATIONS * chance.std())


def _nearness(added: Vectors, then: Vectors) -> Nearness:
    among = then @ then.T
    np.fill_diagonal(among, -1)
    theirs, its = among.max(axis=1), (added @ then.T).max(axis=1)
    error = np.sqrt(theirs.var() / len(theirs) + its.var() / len(its))
    apart = abs(float(its.mean()) - float(theirs.mean()))
    named = apart > max(_NEARNESS_WORTH_NAMING, _DEVIATIONS * float(error))
    return Nearness(len(added), float(its.mean()), float(theirs.mean()), named)
