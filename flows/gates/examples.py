"""How verdicts show what was found: a few rows by their keys, and the beginning of their values."""

from collections.abc import Sequence

import polars as pl

MOST_KEYS = 20
MOST_EXAMPLES = 3
_LONGEST_EXCERPT = 60
_LETTERS_OF_A_KEY = 8


def examples_of(keys: Sequence[str], shown: Sequence[str]) -> str:
    """Say in brackets what was found in which rows."""
    pairs = zip(keys, shown[:MOST_EXAMPLES], strict=False)
    said = ", ".join(f"{key[:_LETTERS_OF_A_KEY]} {value}" for key, value in pairs)
    return f" (for example {said})" if said else ""


def frequencies(values: pl.Series) -> list[tuple[str, int]]:
    """Return the different values with their counts, the most frequent ones first."""
    counted = values.value_counts(name="count")
    return counted.sort("count", values.name, descending=[True, False]).rows()


def excerpt(value: object) -> str:
    """Return the beginning of a value on one line, in quotes where it is not null."""
    if value is None:
        return "null"
    text = " ".join(str(value).split())
    cut = text if len(text) <= _LONGEST_EXCERPT else text[: _LONGEST_EXCERPT - 1] + "…"
    return f"“{cut}”"
