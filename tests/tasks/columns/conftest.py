"""Branches of a pipeline that hold the same rows."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tasks import FanInStep, Outcome, Row
from tests.tasks.conftest import keyed

SOURCE = [{"instruction": "one"}, {"instruction": "two"}]


def branch(rows: Sequence[Row]) -> pl.DataFrame:
    """Return the rows of `SOURCE` as a step left them that added the columns of `rows`."""
    return keyed(SOURCE).with_columns(pl.from_dicts(rows, infer_schema_length=None).get_columns())


def joined(step: FanInStep, *frames: pl.DataFrame) -> Outcome:
    """Join frames as they come from the steps "first", "second" and so on."""
    return step.apply_joined(frames, ["first", "second", "third"][: len(frames)])
