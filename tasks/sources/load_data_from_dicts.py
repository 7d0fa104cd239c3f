"""`LoadDataFromDicts`: rows from a list of dicts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import ClassVar

import polars as pl

from tasks.column_types import Types, frame_with
from tasks.sources.dict_rows import DictRows, column_types
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class LoadDataFromDicts(GeneratorStep):
    """Loads the rows of `data`, a list of dicts.

    Columns out: every key of every dict, each with one type that holds all its values; a key that
    a dict lacks is null there.

    Raises:
        ConfigurationError: there are no rows, or the values of a key cannot share a column.

    Example:
        >>> from tasks import LoadDataFromDicts
        >>> source = LoadDataFromDicts(data=[{"topic": "law"}, {"topic": "art", "level": 2}])
        >>> next(source.process())
        ([{'topic': 'law', 'level': None}, {'topic': 'art', 'level': 2}], True)
    """

    version: ClassVar = 1

    data: DictRows

    @property
    def outputs(self) -> Types:
        return self._types

    def frames(self) -> Iterator[pl.DataFrame]:
        for start in range(0, len(self.data), _FRAME_HEIGHT):
            yield frame_with(self.data[start : start + _FRAME_HEIGHT], self._types)

    @cached_property
    def _types(self) -> Types:
        return column_types(self.data)
