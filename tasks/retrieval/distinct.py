"""Texts of one example, which must all differ to be of use."""

from __future__ import annotations

from collections.abc import Mapping

from llms.errors import RowRejected
from tasks.reading.labels import folded


def require_distinct(texts: Mapping[str, str]) -> None:
    """Raise `RowRejected` if a text is the same as one before it, but for letter case and space."""
    first: dict[str, str] = {}
    for name, text in texts.items():
        other = first.setdefault(folded(text), name)
        if other != name:
            raise RowRejected(f"the {name} in the reply is the same as the {other}")
