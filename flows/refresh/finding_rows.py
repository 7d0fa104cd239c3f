"""Rows of a version by the beginning of their key, or by a value."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError, StillhouseError
from tasks.row import KEY

_SHORTEST_KEY = 4
_MOST_LISTED = 10


class NoSuchRow(StillhouseError):
    """A version has no row by that name."""


class AmbiguousRow(ConfigurationError):
    """Several rows of a version may be meant."""


def find_key(version: SavedVersion, wanted: str) -> str:
    """Return the key of the one row that is meant.

    `wanted` is a key, the first four or more characters of one (of a row, or of the source row that
    it comes from), or `column=value`.

    Raises:
        NoSuchRow: there is none.
        AmbiguousRow: there are several.
        ConfigurationError: it is too short, or the version does not know its rows' keys.
    """
    keys = _keys(version)
    column, is_value, value = wanted.partition("=")
    if is_value:
        found = sorted(set(_with_value(version, keys, column, value)))
    elif len(wanted) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"{wanted!r} is too short for a key; give at least {_SHORTEST_KEY} characters of it, "
            f"or a value as column=value."
        )
    else:
        found = _beginning_with(keys, wanted.lower())
    name = f"{version.name} {version.manifest.tag}"
    if not found:
        raise NoSuchRow(f"{name} has no row {wanted!r}.")
    if len(found) > 1:
        more = len(found) - _MOST_LISTED
        listed = ", ".join(found[:_MOST_LISTED]) + (f" and {more:,} more" if more > 0 else "")
        raise AmbiguousRow(f"{wanted!r} may be several rows of {name}; name one: {listed}.")
    return found[0]


def _keys(version: SavedVersion) -> pl.LazyFrame:
    records = version.provenance()
    if records is None:
        raise ConfigurationError(
            f"{version.name} {version.manifest.tag} keeps no provenance, so that nothing is known "
            f"of where its rows come from; publish versions with provenance='answers'."
        )
    return records


def _beginning_with(keys: pl.LazyFrame, start: str) -> list[str]:
    """Return the keys that begin so; if there are none, those of rows made from such a source."""
    for column in (KEY, "source_key"):
        its = keys.filter(pl.col(column).str.starts_with(start)).select(KEY).unique()
        if found := sorted(its.collect()[KEY]):
            return found
    return []


def _with_value(
    version: SavedVersion, keys: pl.LazyFrame, column: str, value: str
) -> Iterator[str]:
    for configuration in version.configurations:
        rows = version.scan(configuration)
        kind = rows.collect_schema().get(column)
        if kind is None or kind.is_nested():
            continue
        is_it = pl.col(column).cast(pl.String) == value
        places = rows.select(is_it.arg_true()).collect().to_series()
        its = (pl.col("status") == "made") & (pl.col("configuration") == configuration)
        yield from keys.filter(its).select(pl.col(KEY).gather(places)).collect()[KEY]
    for rejection in version.rejections():
        if column in rejection.row and str(rejection.row[column]) == value:
            yield rejection.key
