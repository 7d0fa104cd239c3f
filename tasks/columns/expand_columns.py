"""`ExpandColumns`: one row for each item of a list."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError
from tasks.column_types import ColumnTypes, Misfit, frame_with
from tasks.frames import Schema, derive, rows_of
from tasks.generated import METADATA
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, Row, derived_key
from tasks.step import Step

_TOKENS = ("input_tokens", "output_tokens")


class ExpandColumns(Step):
    """Makes a row of each item of a list; several lists are taken apart together.

    Columns: `columns`, lists of equal lengths -> the same names, or the new ones of a mapping
    `{old: new}`, which keeps the old columns too; all other columns are repeated. `encoded` says
    which columns are lists written as JSON (True: all). With `split_statistics` the tokens in
    `distilabel_metadata` are shared out among the new rows, so that their sum stays what it was.

    A row is rejected if a list is missing, empty, unreadable or not as long as the others.
    """

    version: ClassVar = 1

    columns: Mapping[str, str] | Sequence[str] = Field(min_length=1)
    encoded: bool | Sequence[str] = False
    split_statistics: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self._names)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self._names.values())

    @property
    def _names(self) -> Mapping[str, str]:
        if isinstance(self.columns, Mapping):
            return self.columns
        return {name: name for name in self.columns}

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        reasons: dict[int, str] = {}
        lists = pl.DataFrame(
            [
                self._lists(frame[name], name, reasons).alias(new)
                for name, new in self._names.items()
            ]
        )
        lengths = lists.select(pl.all().list.len()).rows()
        for index, found in enumerate(lengths):
            if len(set(found)) > 1:
                listed = zip(self._names, found, strict=True)
                said = ", ".join(f"{name!r} has {length}" for name, length in listed)
                reasons.setdefault(index, f"the lists are not equally long: {said}")
        good = [index for index in range(frame.height) if index not in reasons]
        places = [(index, item) for index in good for item in range(lengths[index][0])]
        keys = [derived_key(frame[KEY][index], self.name, item) for index, item in places]
        expanded = derive(frame, [index for index, _ in places], keys, None)
        expanded = expanded.with_columns(lists[good].explode(lists.columns).get_columns())
        if self.split_statistics and METADATA in expanded.columns:
            shares = [(item, lengths[index][0]) for index, item in places]
            expanded = expanded.with_columns(_split(expanded[METADATA], shares))
        context.observer.finished(self.name, len(good), len(reasons))
        return Outcome(expanded, tuple(self._rejections(frame, reasons)))

    def columns_after(self, before: Schema) -> Schema:
        made: dict[str, Any] = {}
        for name, new in self._names.items():
            kind = None if self._is_encoded(name) else before[self.input_mappings.get(name, name)]
            self._refuse_other_than_list(name, kind)
            column = self.output_mappings.get(new, new)
            made[column] = kind.inner if isinstance(kind, pl.List) else None
        return {**before, **made}

    def _is_encoded(self, name: str) -> bool:
        return self.encoded if isinstance(self.encoded, bool) else name in self.encoded

    def _refuse_other_than_list(self, name: str, kind: Any) -> None:
        if not (kind is None or kind == pl.Null or isinstance(kind, pl.List)):
            raise ConfigurationError(
                f"Step {self.name!r} cannot expand the column {name!r}, which is {kind} and no list"
                f"; encoded=True reads lists written as JSON."
            )

    def _lists(self, column: pl.Series, name: str, reasons: dict[int, str]) -> pl.Series:
        """Return a column of lists; `reasons` gets the rows that have none."""
        if self._is_encoded(name):
            column = _decoded(column, name, reasons)
        self._refuse_other_than_list(name, column.dtype)
        if column.dtype == pl.Null:
            column = column.cast(pl.List(pl.Null))
        for index, length in enumerate(column.list.len()):
            if not length:
                said = "is null" if length is None else "holds an empty list"
                reasons.setdefault(index, f"the column {name!r} {said}")
        return column

    def _rejections(self, frame: pl.DataFrame, reasons: dict[int, str]) -> Iterator[Rejection]:
        for index, reason in sorted(reasons.items()):
            (row,) = rows_of(frame[[index]])
            key = frame[KEY][index]
            yield Rejection(key, key, self.name, reason, row)


def _decoded(column: pl.Series, name: str, reasons: dict[int, str]) -> pl.Series:
    """Read JSON lists; a row that holds none is null and has its reason noted."""
    types = ColumnTypes({})
    rows: list[Row] = []
    for index, text in enumerate(column):
        items: Any = None
        try:
            items = None if text is None else json.loads(text)
            if not isinstance(items, list | None):
                raise Misfit("it is no list")
            types.see({name: items})
        except (TypeError, ValueError) as error:
            reasons[index] = f"the column {name!r} holds no JSON list: {error}"
            items = None
        rows.append({name: items})
    kind = types.found.get(name, pl.Null())
    return frame_with(rows, {name: kind}).to_series()


def _split(metadata: pl.Series, shares: Sequence[tuple[int, int]]) -> pl.Series:
    """Share out the tokens of every step's statistics; the first rows get what is left over."""
    rows = [
        row
        and {
            name: _share(value, *share) if name.startswith("statistics_") else value
            for name, value in row.items()
        }
        for row, share in zip(metadata, shares, strict=True)
    ]
    return pl.Series(metadata.name, rows, dtype=metadata.dtype)


def _share(value: Any, number: int, count: int) -> Any:
    """Return the share of the `number`-th of `count` rows in a step's statistics."""
    if isinstance(value, list):
        return [_share(item, number, count) for item in value]
    if not isinstance(value, Mapping):
        return value
    parts = dict(value)
    for name in _TOKENS:
        if isinstance(parts.get(name), int):
            whole, left_over = divmod(parts[name], count)
            parts[name] = whole + (number < left_over)
    return parts
