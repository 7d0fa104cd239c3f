"""`FanInStep`: a step that joins the rows of several others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from pydantic import field_validator

from llms.errors import ConfigurationError
from tasks.declaration import required, typed
from tasks.frames import as_parents, frame_of, require, rows_of
from tasks.mappings import seen_by_dataset, seen_by_step
from tasks.outcome import Outcome
from tasks.row import KEY, Rejection, Row, visible
from tasks.step import Step


class FanInStep(Step):
    """Joins the rows of several steps.

    Rows belong together when they have the same key, that is, when they come from the same row. It
    takes no `input_mappings`: name the columns of the dataset.
    """

    @field_validator("input_mappings")
    @classmethod
    def _take_no_mappings(cls, mappings: Mapping[str, str]) -> Mapping[str, str]:
        if mappings:
            raise ValueError("a step that joins rows takes none; name the columns of the dataset")
        return mappings

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Join frames that hold the same rows in the same order; the first one has the keys."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it joins rows")

    def process(self, *inputs: list[Row]) -> Iterator[list[Row]]:
        """Yield the rows joined by position, one list for each step that feeds this one."""
        if len({len(rows) for rows in inputs}) != 1:
            counts = ", ".join(str(len(rows)) for rows in inputs) or "none"
            raise ConfigurationError(
                f"Step {self.name!r} joins rows by position and needs as many of each; it got "
                f"{counts}."
            )
        keys = pl.Series(KEY, [str(index) for index in range(len(inputs[0]))], dtype=pl.String)
        frames = [frame_of(rows).with_columns(keys) for rows in inputs]
        yield rows_of(self._joined(frames))

    def apply_joined(self, frames: Sequence[pl.DataFrame], sources: Sequence[str]) -> Outcome:
        """Join partitions; a row that is not in all of them is rejected."""
        shared = set(frames[0][KEY]).intersection(*(frame[KEY] for frame in frames[1:]))
        order = [key for key in frames[0][KEY] if key in shared]
        wanted = pl.DataFrame({KEY: pl.Series(order, dtype=pl.String)})
        aligned = [
            wanted.join(frame, on=KEY, how="left", maintain_order="left") for frame in frames
        ]
        rejections = []
        lonely: dict[str, list[str]] = {}
        rows: dict[str, Row] = {}
        for frame, source in zip(frames, sources, strict=True):
            for row in frame.filter(~pl.col(KEY).is_in(order)).iter_rows(named=True):
                lonely.setdefault(row[KEY], []).append(source)
                rows.setdefault(row[KEY], {name: row[name] for name in visible(row)})
        for key, found in lonely.items():
            missing = ", ".join(repr(source) for source in sources if source not in found)
            reason = f"the row did not come from {missing}, only from {', '.join(map(repr, found))}"
            rejections.append(Rejection(key, key, self.name, reason, rows[key]))
        return Outcome(as_parents(self._joined(aligned)), tuple(rejections))

    def _joined(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        outputs = self.output_mappings
        views = [seen_by_step(frame, {}, outputs, self.name) for frame in frames]
        for view in views:
            require(required(self.inputs), view, self.name)
        return seen_by_dataset(self.join(views), {}, outputs, set(typed(self.made)))
