"""`SeededSource`: a source that makes its rows up."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import polars as pl

from llms.digest import digest
from tasks.column_types import Types
from tasks.frames import frame_of
from tasks.row import KEY, PARENT, Row
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class SeededSource(GeneratorStep):
    """Makes rows of which each derives from `seed` and its own number alone, and so does its key.

    More rows leave the earlier ones as they are. With `key_columns` the keys come from these
    columns instead.
    """

    version: ClassVar = 1

    seed: int = 42

    @property
    @abstractmethod
    def outputs(self) -> Types:
        """The columns with their types."""

    @property
    @abstractmethod
    def height(self) -> int:
        """The number of rows."""

    @abstractmethod
    def row(self, number: int) -> Row:
        """Return a row; the first one has the number 0."""

    def frames(self) -> Iterator[pl.DataFrame]:
        types = self.outputs
        for start in range(0, self.height, _FRAME_HEIGHT):
            numbers = range(start, min(start + _FRAME_HEIGHT, self.height))
            yield frame_of([self.row(number) for number in numbers], types)

    def keyed_frames(self) -> Iterator[pl.DataFrame]:
        first = 0
        for frame in super().keyed_frames():
            numbers = range(first, first + frame.height)
            first += frame.height
            if self.key_columns is None:
                keys = [digest({"seed": self.seed, "row": number}) for number in numbers]
                frame = frame.with_columns(pl.Series(KEY, keys), pl.Series(PARENT, keys))
            yield frame
