"""The texts that a judge is shown."""

from __future__ import annotations

from llms.errors import RowRejected
from tasks.chats import required_text
from tasks.row import Row


def texts_in(row: Row, column: str) -> list[str]:
    """Return the texts in a column of lists.

    Raises:
        RowRejected: there is none, or one is missing.
    """
    texts = row.get(column)
    if not isinstance(texts, list) or not texts:
        raise RowRejected(f"the column {column!r} holds no list with one text or more")
    name = column.removesuffix("s")
    return [required_text(text, f"{name} {number}") for number, text in enumerate(texts, 1)]
