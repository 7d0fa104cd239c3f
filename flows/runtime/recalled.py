"""Rows that need not be made again, beside those that must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from llms.spending import NO_CALLS
from tasks.outcome import Outcome
from tasks.row import KEY, PARENT, SHADOW

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
        place = {key: number for number, key in enumerate(frame[KEY])}
        rejections = [item for outcome in outcomes for item in outcome.rejections]
        receipts = {key: some for one in outcomes for key, some in one.receipts.items()}
        return Outcome(
            _in_order(rows, frame[KEY]),
            tuple(sorted(rejections, key=lambda item: place[item.parent])),
            sum((outcome.calls for outcome in outcomes), NO_CALLS),
            {key: receipts[key] for key in place if key in receipts},
        )


def in_one_table(frames: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    """Return rows with the columns and types that suit them all, None where none do."""
    try:
        return pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        return None


def _in_order(rows: pl.DataFrame, parents: pl.Series) -> pl.DataFrame:
    """Return rows in the order of the rows that they were made from."""
    order = pl.DataFrame({PARENT: parents}).with_row_index(_PLACE)
    places = rows.select(PARENT).join(order, on=PARENT, how="left", maintain_order="left")
    return rows[places.with_row_index(_NUMBER).sort(_PLACE, _NUMBER)[_NUMBER]]
