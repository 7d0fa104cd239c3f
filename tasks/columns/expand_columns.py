"""`ExpandColumns`: one row for each item of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.columns.json_lists import decoded
from tasks.columns.token_shares import shared_out
from tasks.frames import Schema, derive, rows_of
from tasks.generated import METADATA
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Rejection, derived_key
from tasks.step import Step

_LISTS = (pl.List, pl.Array)


class ExpandColumns(Step):
    """Makes a row of each item of a list; several lists are taken apart together.

    Columns: `columns`, lists of equal lengths -> the same names, or the new ones of a mapping
    `{old: new}`, which keeps the old columns too; all other columns are repeated. `encoded` says
    which columns are lists written as JSON (True: all). With `split_statistics` the tokens in
    `distilabel_metadata` are shared out among the new rows, so that their sum stays what it was.

    A row is rejected if a list is missing, empty, unreadable or not as long as the others.

    Raises:
        ConfigurationError: a column holds no lists, or text that is not said to be `encoded`; two
            columns get the same new name; or `encoded` names a column that is not expanded.

    Example:
        >>> from tasks import ExpandColumns
        >>> step = ExpandColumns(columns={"questions": "question"})
        >>> next(step.process([{"topic": "tea", "questions": ["Why?", "How?"]}]))[1]["question"]
        'How?'
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
            expanded = expanded.with_columns(shared_out(expanded[METADATA], shares))
        context.observer.finished(self.name, len(good), len(reasons))
        return Outcome(expanded, tuple(self._rejections(frame, reasons)))

    def columns_after(self, before: Schema) -> Schema:
        made: dict[str, Any] = {}
        for name, new in self._names.items():
            kind = None if self._is_encoded(name) else before[self.input_mappings.get(name, name)]
            self._refuse_other_than_list(name, kind)
            column = self.output_mappings.get(new, new)
            made[column] = kind.inner if isinstance(kind, _LISTS) else None
        return {**before, **made}

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        new = list(self._names.values())
        if twice := sorted({name for name in new if new.count(name) > 1}):
            raise ConfigurationError(
                f"ExpandColumns: columns= gives several columns the new name {twice[0]!r}; name "
                f"each differently."
            )
        encoded = () if isinstance(self.encoded, bool) else self.encoded
        if strange := [name for name in encoded if name not in self._names]:
            raise ConfigurationError(
                f"ExpandColumns: encoded= names {strange[0]!r}, which is not expanded; it may name "
                f"{', '.join(map(repr, self._names))}."
            )
        return self

    def _is_encoded(self, name: str) -> bool:
        return self.encoded if isinstance(self.encoded, bool) else name in self.encoded

    def _refuse_other_than_list(self, name: str, kind: Any) -> None:
        if not (kind is None or kind == pl.Null or isinstance(kind, _LISTS)):
            raise ConfigurationError(
                f"Step {self.name!r} cannot expand the column {name!r}, which is {kind} and no list"
                f"; encoded=True reads lists written as JSON."
            )

    def _lists(self, column: pl.Series, name: str, reasons: dict[int, str]) -> pl.Series:
        """Return a column of lists; `reasons` gets the rows that have none."""
        if self._is_encoded(name):
            if column.dtype not in (pl.String, pl.Null):
                raise ConfigurationError(
                    f"Step {self.name!r} cannot read the column {name!r} as JSON, because it is "
                    f"{column.dtype} and no text; leave it out of encoded=."
                )
            column = decoded(column, reasons)
        self._refuse_other_than_list(name, column.dtype)
        if not isinstance(column.dtype, pl.List):
            column = column.cast(pl.List(getattr(column.dtype, "inner", pl.Null)))
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
