"""`CombineOutputs`: the columns of several steps in one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl

from tasks.columns.side_by_side import side_by_side
from tasks.fan_in import FanInStep


class CombineOutputs(FanInStep):
    """Puts the columns that several steps made for the same row into that row.

    Columns out: those of all steps before it. Of equal names the step connected last wins, so
    columns that should stay apart need `output_mappings` in the steps that make them;
    `distilabel_metadata` keeps the fields of all. A row that did not come from every step is
    rejected.

    Example:
        >>> from tasks import CombineOutputs
        >>> next(CombineOutputs().process([{"topic": "tea", "short": "A"}], [{"long": "A drink"}]))
        [{'topic': 'tea', 'short': 'A', 'long': 'A drink'}]
    """

    version: ClassVar = 1

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        return side_by_side(frames)
