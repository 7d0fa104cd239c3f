"""The rows of two versions side by side, known by their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from flows.versions.saved import SavedVersion
from tasks.column_types import Misfit, merged
from tasks.row import KEY, Row, visible

NOW, THEN = "_now", "_then"
"""The numbers of a row in the one version and in the other, null where it has none."""

_NUMBER, _TIME = "_number", "_time"


@dataclass(frozen=True, slots=True)
class Pairing:
    """The rows of a configuration in two versions: `pairs` has `NOW`, `THEN` and their key.

    `differs` has for each pair with both (`both`, in the same order) whether a column differs; a
    column that only one version has, or that holds another kind of values, differs everywhere.
    """

    rows: int
    rows_before: int
    pairs: pl.DataFrame
    differs: pl.DataFrame
    new_columns: tuple[str, ...] = ()
    gone_columns: tuple[str, ...] = ()

    @property
    def both(self) -> pl.DataFrame:
        """The rows that both versions have."""
        return self.pairs.filter(pl.col(NOW).is_not_null() & pl.col(THEN).is_not_null())

    @property
    def changed(self) -> pl.Series:
        """For each of `both` whether anything differs."""
        if not self.differs.width:
            return pl.repeat(False, self.both.height, dtype=pl.Boolean, eager=True)
        return self.differs.select(pl.any_horizontal(pl.all())).to_series()

    @property
    def added(self) -> pl.DataFrame:
        """The rows that only the new version has."""
        return self.pairs.filter(pl.col(THEN).is_null())

    @property
    def removed(self) -> pl.DataFrame:
        """The rows that only the old version has."""
        return self.pairs.filter(pl.col(NOW).is_null())

    @property
    def fresh(self) -> pl.Series:
        """For each row of the new version whether it is new or changed."""
        its = pl.concat([self.added[NOW], self.both.filter(self.changed)[NOW]])
        return pl.int_range(self.rows, dtype=pl.UInt32, eager=True).is_in(its.implode())


def paired(version: SavedVersion, before: SavedVersion | None, configuration: str) -> Pairing:
    """Pair the rows of a configuration with those of an earlier version by their keys."""
    if before is None or configuration not in before.configurations:
        return _unpaired(version, configuration)
    known, known_before = _types(version, configuration), _types(before, configuration)
    shared = {name: _shared_type(kind, known_before.get(name)) for name, kind in known.items()}
    mine = _hashes(version, configuration, shared)
    others = _hashes(before, configuration, shared)
    pairs = _keys(version, configuration, mine, NOW).join(
        _keys(before, configuration, others, THEN),
        on=[KEY, _TIME],
        how="full",
        coalesce=True,
        maintain_order="left_right",
    )
    both = pairs.drop_nulls([NOW, THEN])
    first, second = mine[both[NOW]], others[both[THEN]]
    always = pl.repeat(True, both.height, dtype=pl.Boolean, eager=True)
    differs = {
        name: always if shared.get(name) is None else first[name] != second[name]
        for name in dict.fromkeys([*known, *known_before])
    }
    return Pairing(
        mine.height,
        others.height,
        pairs.select(KEY, NOW, THEN),
        pl.DataFrame(differs),
        tuple(name for name in known if name not in known_before),
        tuple(name for name in known_before if name not in known),
    )


def _unpaired(version: SavedVersion, configuration: str) -> Pairing:
    keys = _keys(version, configuration, _hashes(version, configuration, {}), NOW)
    pairs = keys.select(KEY, NOW, pl.lit(None, pl.UInt32).alias(THEN))
    return Pairing(pairs.height, 0, pairs, pl.DataFrame())


def _shared_type(now: pl.DataType, before: pl.DataType | None) -> pl.DataType | None:
    """Return the type in which values of both types are compared, None where all of them differ."""
    if before is None or now == before:
        return before
    with suppress(Misfit):
        both = merged(now, before)
        if both != pl.String or pl.Null in (now, before):
            return both
    return None


def rows_at(version: SavedVersion, configuration: str, numbers: Sequence[int]) -> dict[int, Row]:
    """Return the rows of a configuration with these numbers."""
    if not numbers:
        return {}
    found = _at(version.scan(configuration), pl.Series(numbers))
    return {row.pop(_NUMBER): row for row in found.iter_rows(named=True)}


def values_at(
    version: SavedVersion, configuration: str, values: pl.Expr, numbers: pl.Series
) -> pl.Series:
    """Return what an expression makes of the rows with these numbers, in rising order."""
    return _at(version.scan(configuration).select(values.alias("values")), numbers)["values"]


def spread(numbers: pl.Series, most: int) -> pl.Series:
    """Return up to so many of some numbers, at equal distances."""
    count = min(most, len(numbers))
    return numbers[[len(numbers) * place // count for place in range(count)]]


def _at(rows: pl.LazyFrame, numbers: pl.Series) -> pl.DataFrame:
    wanted = numbers.cast(pl.UInt32).implode()
    found = rows.with_row_index(_NUMBER).filter(pl.col(_NUMBER).is_in(wanted))
    return found.collect(engine="streaming").sort(_NUMBER)


def _types(version: SavedVersion, configuration: str) -> dict[str, pl.DataType]:
    schema = version.scan(configuration).collect_schema()
    return {name: schema[name] for name in visible(schema.names())}


def _hashes(
    version: SavedVersion, configuration: str, shared: Mapping[str, pl.DataType | None]
) -> pl.DataFrame:
    """Return the hash of each value, one column after the other to spare memory."""
    rows = version.scan(configuration)
    return pl.DataFrame(
        [
            rows.select(pl.col(name).cast(shared.get(name) or kind).hash())
            .collect(engine="streaming")
            .to_series()
            for name, kind in _types(version, configuration).items()
        ]
    )


def _keys(
    version: SavedVersion, configuration: str, hashes: pl.DataFrame, number: str
) -> pl.DataFrame:
    """Return the keys of a configuration's rows; without provenance, content is the key."""
    if version.manifest.rows:
        return _numbered(version.keys(configuration), number)
    return _numbered(hashes.hash_rows().cast(pl.String).alias(KEY), number)


def _numbered(keys: pl.Series, number: str) -> pl.DataFrame:
    """Return keys with the number of each row and how many of its key came before."""
    times = pl.int_range(pl.len(), dtype=pl.UInt32).over(KEY)
    return keys.to_frame().with_row_index(number).with_columns(times.alias(_TIME))
