"""How many rows of a configuration are new, changed, gone or the same, with some of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.comparison.excerpts import excerpt, is_turns, text_of
from flows.comparison.pairing import NOW, THEN, Pairing, rows_at
from flows.comparison.text_diff import Passage, word_diff
from flows.versions.saved import SavedVersion
from tasks.generated import METADATA
from tasks.row import KEY, Row

SAMPLES = 6
"""The most rows that are shown of one kind."""

_MOST_VALUES = 20


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row that a report shows: its key, and its values as `excerpt` cuts them."""

    key: str
    row: Row


@dataclass(frozen=True, slots=True)
class ChangedValue:
    """A value that differs; what can be read as text has the passages of the difference."""

    column: str
    before: Any
    now: Any
    diff: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that both versions have, with the values that differ."""

    key: str
    row: Row
    values: tuple[ChangedValue, ...]


@dataclass(frozen=True, slots=True)
class RowChanges:
    """How the rows of a configuration changed.

    `changed_columns` counts the changed rows by each column that differs. `samples` are rows of the
    new version, spread over all of it.
    """

    rows: int
    rows_before: int
    added: int
    changed: int
    removed: int
    unchanged: int
    changed_columns: dict[str, int]
    new_columns: tuple[str, ...]
    gone_columns: tuple[str, ...]
    samples: tuple[ShownRow, ...]
    added_rows: tuple[ShownRow, ...]
    changed_rows: tuple[ChangedRow, ...]
    removed_rows: tuple[ShownRow, ...]


def row_changes(
    version: SavedVersion, before: SavedVersion | None, configuration: str, pairing: Pairing
) -> RowChanges:
    """Count the rows of a configuration by what became of them, and take some to be shown."""
    both, changed = pairing.both, pairing.changed
    shown = _spread(pairing.pairs.filter(pl.col(NOW).is_not_null()))
    new = _spread(pairing.added) if pairing.rows_before else []
    gone = _spread(pairing.removed)
    pairs = _varied(both.filter(changed), pairing.differs.filter(changed))
    mine = rows_at(version, configuration, [row[NOW] for row in (*shown, *new, *pairs)])
    others = (
        rows_at(before, configuration, [row[THEN] for row in (*gone, *pairs)]) if before else {}
    )
    counts = {name: int(its.sum()) for name, its in pairing.differs.to_dict().items()}
    altered = int(changed.sum())
    return RowChanges(
        rows=pairing.rows,
        rows_before=pairing.rows_before,
        added=pairing.added.height,
        changed=altered,
        removed=pairing.removed.height,
        unchanged=both.height - altered,
        changed_columns={
            name: count
            for name, count in sorted(counts.items(), key=lambda item: -item[1])
            if count
        },
        new_columns=pairing.new_columns,
        gone_columns=pairing.gone_columns,
        samples=tuple(ShownRow(row[KEY], excerpt(mine[row[NOW]])) for row in shown),
        added_rows=tuple(ShownRow(row[KEY], excerpt(mine[row[NOW]])) for row in new),
        changed_rows=tuple(
            _changed_row(row[KEY], others[row[THEN]], mine[row[NOW]]) for row in pairs
        ),
        removed_rows=tuple(ShownRow(row[KEY], excerpt(others[row[THEN]])) for row in gone),
    )


def _changed_row(key: str, before: Row, now: Row) -> ChangedRow:
    shown, shown_before = excerpt(now), excerpt(before)
    names = sorted(dict.fromkeys([*now, *before]), key=lambda name: name == METADATA)
    values = [
        ChangedValue(
            name,
            shown_before.get(name),
            shown.get(name),
            _diff(before.get(name), now.get(name)),
        )
        for name in names
        if before.get(name) != now.get(name) or (name in before) != (name in now)
    ]
    return ChangedRow(key, shown, tuple(values[:_MOST_VALUES]))


def _diff(before: Any, now: Any) -> tuple[Passage, ...]:
    return word_diff(text_of(before), text_of(now)) if _reads(before) and _reads(now) else ()


def _reads(value: Any) -> bool:
    """Tell whether a value is text, a chat or a list of texts."""
    texts = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str) or is_turns(value) or texts


def _spread(rows: pl.DataFrame) -> list[Row]:
    """Return a few rows at equal distances."""
    count = min(SAMPLES, rows.height)
    return rows[[rows.height * number // count for number in range(count)]].to_dicts()


def _varied(rows: pl.DataFrame, differs: pl.DataFrame) -> list[Row]:
    """Return a few rows that differ in different columns."""
    if not rows.height:
        return []
    kind = differs.select(pl.concat_list(pl.all())).to_series().hash()
    turn = pl.int_range(pl.len()).over("kind")
    taken = rows.with_columns(kind.alias("kind")).with_columns(turn.alias("turn"))
    return taken.sort("turn", maintain_order=True).head(SAMPLES).select(rows.columns).to_dicts()
