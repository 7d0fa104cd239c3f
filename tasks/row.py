"""Rows, their keys, and what becomes of the ones that fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from llms.digest import digest

Row = dict[str, Any]
"""Column name to value."""

KEY = "_row_key"
"""Hidden column that identifies a row; see `SourceKeys` and `derived_key`."""

PARENT = "_parent_key"
"""Hidden column with the key of the row that a step made this one from."""

SHADOW = "_shadowed_"
"""Prefix of hidden copies that mappings put back after the step."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that a step could not make.

    `parent` is the key of the row that went in, `row` its values, `raw_reply` the model's text
    where there was one. `unanswered` is true when the provider failed, not the row: the next run
    tries it again.
    """

    key: str
    parent: str
    step: str
    reason: str
    row: Row
    raw_reply: str | None = None
    unanswered: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the rejection as plain values."""
        return asdict(self)


def frequent_reasons(rejections: Iterable[Rejection], most: int = 10) -> list[Row]:
    """Return the most frequent reasons of rejections, each with `step`, `reason` and `rows`."""
    counted = Counter((rejection.step, rejection.reason) for rejection in rejections)
    return [
        {"step": step, "reason": reason, "rows": rows}
        for (step, reason), rows in counted.most_common(most)
    ]


class SourceKeys:
    """Gives source rows their keys: content of the key columns, and which of its equals it is.

    Keys depend neither on position among different rows nor on partitions or runs.
    """

    def __init__(self, key_columns: Sequence[str] | None) -> None:
        self._key_columns = key_columns
        self._seen: dict[str, int] = {}

    def of(self, row: Mapping[str, Any]) -> str:
        """Return the key of the next row."""
        content = (
            row if self._key_columns is None else {name: row[name] for name in self._key_columns}
        )
        name = digest(settled(content))
        occurrence = self._seen.get(name, 0)
        self._seen[name] = occurrence + 1
        return name if occurrence == 0 else digest([name, occurrence])


def settled(value: Any) -> Any:
    """Return a value as it is in every cut of a source.

    Where a column or field comes late, earlier rows hold null or lack it; where real numbers come
    late, earlier whole ones are 1 or 1.0.
    """
    if isinstance(value, Mapping):
        return {name: settled(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [settled(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def copied(value: Any) -> Any:
    """Return a copy of a row that shares no list and no dict with it."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def derived_key(parent: str, step: str, index: int) -> str:
    """Return the key of the `index`-th row that a step made from one row."""
    return digest([parent, step, index])


def visible(columns: Iterable[str]) -> list[str]:
    """Return the column names a user knows: all but the hidden ones."""
    return [name for name in columns if name not in (KEY, PARENT) and not name.startswith(SHADOW)]


def describe_error(error: Exception) -> str:
    """Return an unexpected error as a reason: its type and its text."""
    return f"{type(error).__name__}: {error}"
