"""Random choices that a rerun and a refresh make again: they derive from the row key."""

from __future__ import annotations

from random import Random

from llms.digest import digest


def random_for(key: str, *purpose: str | int) -> Random:
    """Return the source of random choices for a row; `purpose` tells apart choices of one row."""
    return Random(digest([key, *purpose]))
