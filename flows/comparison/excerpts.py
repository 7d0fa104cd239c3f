"""Rows as people read them in a report: plain values, cut where they are long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from tasks.generated import METADATA
from tasks.row import Row, visible

_TEXT = 4_000
_ITEMS = 20
_ROW = 16_000
_COLUMNS = 60
_LEAST = 200


def excerpt(row: Row) -> Row:
    """Return the values a report shows of a row: JSON values, long texts and lists cut.

    Texts keep 4,000 characters, lists 20 items, a row 16,000 characters and 60 columns; what was
    cut says so.
    """
    left = _ROW
    cut: Row = {}
    names = sorted(visible(row), key=lambda name: name == METADATA)
    for name in names[:_COLUMNS]:
        cut[name] = _cut(row[name], max(_LEAST, min(_TEXT, left)))
        left -= len(text_of(cut[name]))
    if len(names) > _COLUMNS:
        cut["…"] = f"{len(names) - _COLUMNS:,} more columns"
    return cut


def shortened(text: str, most: int) -> str:
    """Return the beginning of a text, and how much more of it there is."""
    more = len(text) - most
    return text if more <= 0 else f"{text[:most]}… ({more:,} more characters)"


def text_of(value: Any) -> str:
    """Return a value as text: a chat turn by turn, lists item by item, other objects as JSON."""
    if isinstance(value, str):
        return value
    if is_turns(value):
        return "\n\n".join(f"{turn['role']}: {text_of(turn['content'])}" for turn in value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n\n".join(f"{number}. {item}" for number, item in enumerate(value, 1))
    return json.dumps(plain(value), ensure_ascii=False)


def is_turns(value: Any) -> bool:
    """Tell whether a value is a chat."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, Mapping) and {"role", "content"} <= turn.keys() for turn in value)
    )


def plain(value: Any) -> Any:
    """Return values and records as JSON holds them; bytes become a sentence, NaN null."""
    if hasattr(value, "as_json"):
        return value.as_json()
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if value is None or isinstance(value, (str, int)):
        return value
    return _described(value)


def _described(value: Any) -> str:
    return f"({len(value):,} bytes)" if isinstance(value, bytes) else str(value)


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, str):
        return shortened(value, most)
    if isinstance(value, Mapping):
        share = max(_LEAST, most // max(1, len(value)))
        return {str(name): _cut(item, share) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        kept = value[:_ITEMS]
        share = max(_LEAST, most // max(1, len(kept)))
        rest = [f"… ({len(value) - _ITEMS:,} more items)"] if len(value) > _ITEMS else []
        if rest and is_turns(value):
            rest = [{"role": "…", "content": rest[0]}]  # type: ignore[list-item]  # a last turn
        return [*(_cut(item, share) for item in kept), *rest]
    return plain(value)
