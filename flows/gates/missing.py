"""The gate `missing`: how many rows have no value in a column."""

from collections.abc import Iterator
from functools import partial

import polars as pl
from pydantic import Field

from flows.gates.columns_of_a_version import ROW, VALUE, Column, in_each_configuration
from flows.gates.gate import Gate, Share
from flows.gates.verdict import Verdict, percent
from flows.versions.saved import SavedVersion


class Missing(Gate):
    """Which share of the rows has no value: null, NaN, blank text or an empty list."""

    columns: dict[str, Share] = Field(description="Largest share without a value, by column")

    def check(self, version: SavedVersion, before: SavedVersion | None) -> Iterator[Verdict]:
        for name, most in self.columns.items():
            check = partial(_check, most=most)
            yield from in_each_configuration("missing", version, name, check)


def _check(column: Column, most: float) -> Iterator[Verdict]:
    values = column.values()
    found = values.filter(_is_missing(column.kind))
    share = found.height / values.height if values.height else 0.0
    wanted = f"at most {percent(most)}"
    sentence = (
        f"{percent(share)} of the rows have no value in {column.subject!r} "
        f"({found.height:,} of {values.height:,})"
    )
    if share <= most:
        yield Verdict("missing", column.subject, True, share, wanted, f"{sentence}.")
        return
    sentence += f", and {wanted} may be without{column.examples(found)}."
    keys = column.keys(found[ROW])
    yield Verdict("missing", column.subject, False, share, wanted, sentence, keys)


def _is_missing(kind: pl.DataType) -> pl.Expr:
    value = pl.col(VALUE)
    if isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        blank = value.cast(pl.String).str.strip_chars().str.len_bytes() == 0
    elif isinstance(kind, pl.List):
        blank = value.list.len() == 0
    elif kind.is_float():
        blank = value.is_nan()
    else:
        blank = pl.lit(False)
    return value.is_null() | blank
