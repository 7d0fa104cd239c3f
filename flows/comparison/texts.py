"""The texts of a version that can be read: of text columns, chats and lists of texts."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from flows.comparison.drift import ColumnDrift
from flows.comparison.measures import measures_of
from flows.comparison.pairing import values_at
from flows.versions.saved import SavedVersion

_LEAST_CHARACTERS = 20
_MOST_CHARACTERS = 2_000


def longest_texts(drifts: Sequence[ColumnDrift], most: int) -> list[str]:
    """Return the columns with the longest texts, the longest first."""
    lengths = {
        drift.name: drift.now.mean or 0.0 for drift in drifts if drift.now.what == "characters"
    }
    named = [name for name, mean in lengths.items() if mean >= _LEAST_CHARACTERS]
    return sorted(named, key=lambda name: -lengths[name])[:most]


def has_text(version: SavedVersion, configuration: str, column: str) -> bool:
    """Tell whether a version has texts in a column of that name."""
    return configuration in version.configurations and column in _texts(version, configuration)


def texts_at(
    version: SavedVersion, configuration: str, column: str, numbers: pl.Series
) -> pl.Series:
    """Return the texts of the rows with these numbers: the first 2,000 characters of each."""
    text = _texts(version, configuration)[column].str.slice(0, _MOST_CHARACTERS)
    return values_at(version, configuration, text, numbers).drop_nulls()


def _texts(version: SavedVersion, configuration: str) -> dict[str, pl.Expr]:
    measures = measures_of(version.scan(configuration).collect_schema())
    return {its.name: its.text for its in measures if its.text is not None}
