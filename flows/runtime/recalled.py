"""Rows that need not be made again, beside those that must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from llms.spending import NO_CALLS
from tasks.outcome import Outcome
from tasks.row import KEY, PARENT, SHADOW, Rejection

_PLACE = f"{SHADOW}place"
_NUMBER = f"{SHADOW}number"


@dataclass(frozen=True, slots=True)
class Recalled:
    """Rows that need not be made again, by their keys, and what was made of them."""

    keys: pl.Series
    outcome: Outcome

    def rest(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of a frame that have to be made."""
        return frame.filter(~pl.col(KEY).is_in(self.keys.implode()))

    def beside(self, frame: pl.DataFrame, made: Outcome | None) -> Outcome | None:
        """Join what is recalled with what was made of the rest, in the order of the frame.

        None means that the two do not fit into one table.
        """
        outcomes = [self.outcome, *([made] if made else [])]
        rows = in_one_table([outcome.frame for outcome in outcomes])
        if rows is None:
            return None
        rejections = [item for outcome in outcomes for item in outcome.rejections]
        receipts = {key: some for one in outcomes for key, some in one.receipts.items()}
        return Outcome(
            _in_order(rows, frame[KEY]),
            rejections_in_order(rejections, frame[KEY]),
            sum((outcome.calls for outcome in outcomes), NO_CALLS),
            {key: receipts[key] for key in frame[KEY] if key in receipts},
        )


def rejections_in_order(
    rejections: Iterable[Rejection], parents: pl.Series
) -> tuple[Rejection, ...]:
    """Return rejections in the order of the rows that were rejected."""
    place = {key: number for number, key in enumerate(parents)}
    return tuple(sorted(rejections, key=lambda item: place.get(item.parent, len(place))))


def in_one_table(frames: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """Return the rows of frames that have the same columns; None where one has others, or a
    type that a table made at once might not have.
    """
    filled = [frame for frame in frames if frame.height] or frames[:1]
    schemas: list[pl.Schema] = []
    for frame in filled:
        if (schema := frame.schema) not in schemas:
            schemas.append(schema)
    if any(schema.names() != schemas[0].names() for schema in schemas):
        return None
    for kinds in zip(*(schema.values() for schema in schemas), strict=True):
        if len({kind for kind in kinds if kind != pl.Null}) > 1:
            return None
    return pl.concat(filled, how="vertical_relaxed")


def _in_order(rows: pl.DataFrame, parents: pl.Series) -> pl.DataFrame:
    """Return rows in the order of the rows that they were made from."""
    order = pl.DataFrame({PARENT: parents}).with_row_index(_PLACE)
    places = rows.select(PARENT).join(order, on=PARENT, how="left", maintain_order="left")
    return rows[places.with_row_index(_NUMBER).sort(_PLACE, _NUMBER)[_NUMBER]]
