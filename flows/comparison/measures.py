"""What is measured of a column: its values, or how long they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tasks.column_types import fields_of, inner_of
from tasks.generated import METADATA
from tasks.row import visible

What = Literal["value", "text", "characters", "turns", "items"]
"""Numbers and labels by value, texts and chats by characters, chats by turns, lists by items.

A "text" may be a label or a text, which its values decide.
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing to measure: its name, the column, what of it, and the values as an expression.

    The name is the column's, or that and what is measured where a column is measured twice. `each`
    is true where the values are those of the items of lists. `text` is what can be read of a row's
    text, chat or list of texts, as one text.
    """

    name: str
    column: str
    what: What
    values: pl.Expr
    each: bool = False
    text: pl.Expr | None = None


def measures_of(schema: pl.Schema) -> list[Measure]:
    """Return what can be measured of a table's columns; fields of a struct are named `a.b`.

    Raw requests and replies (`distilabel_metadata`) are not.
    """
    return [
        measure
        for name in visible(schema.names())
        if name != METADATA
        for measure in _measures(name, schema[name], pl.col(name))
    ]


def is_chat(kind: pl.DataType) -> bool:
    """Tell whether a column of this type holds chats."""
    inner = inner_of(kind) if isinstance(kind, pl.List) else kind
    if kind == inner or not isinstance(inner, pl.Struct):
        return False
    fields = fields_of(inner)
    return fields.get("role") == pl.String and fields.get("content") == pl.String


def _measures(name: str, kind: pl.DataType, values: pl.Expr) -> Iterator[Measure]:
    if isinstance(kind, pl.Struct):
        for field, inner in fields_of(kind).items():
            yield from _measures(f"{name}.{field}", inner, values.struct.field(field))
    elif is_chat(kind):
        contents = values.list.eval(pl.element().struct.field("content"))
        lengths = contents.list.eval(pl.element().str.len_chars()).list.sum()
        yield Measure(name, name, "characters", lengths, text=_joined(contents))
        yield Measure(f"{name} turns", name, "turns", values.list.len())
    elif isinstance(kind, pl.List):
        inner = inner_of(kind)
        if _is_plain(inner):
            what = _what(inner)
            text = _joined(values.cast(pl.List(pl.String))) if what == "text" else None
            yield Measure(name, name, what, values, each=True, text=text)
        yield Measure(f"{name} items", name, "items", values.list.len())
    elif _is_plain(kind):
        what = _what(kind)
        text = values.cast(pl.String) if what == "text" else None
        yield Measure(name, name, what, values, text=text)


def _joined(texts: pl.Expr) -> pl.Expr:
    return texts.list.join("\n", ignore_nulls=True)


def _is_plain(kind: pl.DataType) -> bool:
    plain = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
    return kind.is_numeric() or isinstance(kind, plain)


def _what(kind: pl.DataType) -> What:
    return "text" if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)) else "value"
