"""The text in values of any type."""

import polars as pl

from flows.comparison.measures import is_chat
from tasks.column_types import fields_of, inner_of


def text_in(kind: pl.DataType, values: pl.Expr, separator: str = "\n") -> pl.Expr | None:
    """Return the text in values of a type, joined; None where there can be none.

    The roles of a chat are no text.
    """
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        return values.cast(pl.String)
    if isinstance(kind, (pl.List, pl.Array)):
        inner = inner_of(kind) if isinstance(kind, pl.List) else kind.inner
        item = pl.element()
        if is_chat(kind):
            item, inner = item.struct.field("content"), pl.String()
        text = text_in(inner, item, separator)  # type: ignore[arg-type]  # instantiated in a schema
        if text is None:
            return None
        lists = values if isinstance(kind, pl.List) else values.arr.to_list()
        return lists.list.eval(text).list.join(separator, ignore_nulls=True)
    if isinstance(kind, pl.Struct):
        fields = [
            text
            for name, inner in fields_of(kind).items()
            if (text := text_in(inner, values.struct.field(name), separator)) is not None
        ]
        return pl.concat_str(fields, separator=separator, ignore_nulls=True) if fields else None
    return None
