"""Fan-in: rows that come from the same row meet again, by key and never by position."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import FanInStep, Row, StepContext, step
from tasks.frames import rows_of
from tasks.outcome import Accounts
from tasks.row import KEY, PARENT
from tests.tasks.conftest import keyed, keys_of, rows_after


class SideBySide(FanInStep):
    """Puts the columns of all rows side by side."""

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        first, *others = frames
        for frame in others:
            new = [name for name in frame.columns if name not in first.columns]
            first = first.with_columns(frame.select(new))
        return first


def branch(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a frame as a step that adds a column leaves it."""
    return frame.with_columns(
        pl.col(KEY).alias(PARENT), pl.format(column + " of {}", pl.col("n")).alias(column)
    )


SOURCE = keyed([{"n": 1}, {"n": 2}, {"n": 3}])
LEFT, RIGHT = branch(SOURCE, "left"), branch(SOURCE, "right")
ALL = [{"n": n, "left": f"left of {n}", "right": f"right of {n}"} for n in (1, 2, 3)]


def test_rows_that_come_from_the_same_row_meet_again() -> None:
    outcome = SideBySide().apply_joined([LEFT, RIGHT], ["l", "r"])

    assert rows_after(outcome) == ALL
    assert keys_of(outcome.frame) == keys_of(SOURCE) == outcome.frame[PARENT].to_list()


def test_rows_are_joined_by_key_whatever_their_order() -> None:
    outcome = SideBySide().apply_joined([LEFT, RIGHT.reverse()], ["l", "r"])

    assert rows_after(outcome) == ALL


def test_the_order_is_that_of_the_first_step() -> None:
    outcome = SideBySide().apply_joined([LEFT.reverse(), RIGHT], ["l", "r"])

    assert rows_after(outcome) == ALL[::-1]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([LEFT, RIGHT.slice(1)], "the row did not come from 'r', only from 'l'"),
        ([LEFT.slice(1), RIGHT], "the row did not come from 'l', only from 'r'"),
    ],
    ids=["missing in the second", "missing in the first"],
)
def test_a_row_that_one_branch_lost_is_rejected_and_the_others_stay_together(
    frames: list[pl.DataFrame], reason: str
) -> None:
    outcome = SideBySide(name="join").apply_joined(frames, ["l", "r"])

    assert rows_after(outcome) == ALL[1:]
    (rejection,) = outcome.rejections
    assert (rejection.key, rejection.step) == (keys_of(SOURCE)[0], "join")
    assert rejection.reason == reason
    assert rejection.row["n"] == 1
    assert not any(name.startswith("_") for name in rejection.row)


def test_a_row_is_rejected_once_however_many_branches_have_it() -> None:
    third = branch(SOURCE, "third").slice(1)

    outcome = SideBySide().apply_joined([LEFT, RIGHT, third], ["l", "r", "t"])

    assert [rejection.reason for rejection in outcome.rejections] == [
        "the row did not come from 't', only from 'l', 'r'"
    ]


def test_the_books_of_a_join_balance() -> None:
    outcome = SideBySide().apply_joined([LEFT.slice(0, 2), RIGHT.slice(1)], ["l", "r"])

    assert outcome.accounts(keys_of(SOURCE)) == Accounts(rows_in=3, rows_out=1, rejected=2)


@pytest.mark.parametrize("frames", [[LEFT.clear(), RIGHT], [LEFT.clear(), RIGHT.clear()]])
def test_branches_without_rows_join_to_no_rows(frames: list[pl.DataFrame]) -> None:
    outcome = SideBySide().apply_joined(frames, ["l", "r"])

    assert outcome.frame.height == 0
    assert {"n", "left", "right"} <= set(outcome.frame.columns)


def test_one_branch_alone_passes_through() -> None:
    assert rows_after(SideBySide().apply_joined([LEFT], ["l"])) == rows_of(LEFT)


def test_rows_made_of_one_row_in_one_branch_do_not_meet_the_row_itself() -> None:
    @step(inputs=["n"])
    def twice(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            yield [{**row, "copy": copy} for copy in (0, 1)]

    expanded = twice().apply(SOURCE, StepContext()).frame

    outcome = SideBySide().apply_joined([LEFT, expanded], ["l", "e"])

    assert outcome.frame.height == 0
    assert len(outcome.rejections) == LEFT.height + expanded.height


def test_every_branch_needs_the_columns_that_are_joined() -> None:
    class JoinMarks(SideBySide):
        @property
        def inputs(self) -> list[str]:
            return ["mark"]

    with pytest.raises(ConfigurationError, match=r"Step 'join' needs the column 'mark'"):
        JoinMarks(name="join").apply_joined([LEFT, RIGHT], ["l", "r"])


class Total(SideBySide):
    """Adds up `n`."""

    @property
    def inputs(self) -> list[str]:
        return ["n"]

    @property
    def outputs(self) -> list[str]:
        return ["total"]

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        total = sum((frame["n"] for frame in frames[1:]), start=frames[0]["n"])
        return frames[0].with_columns(total=total)


def test_a_join_writes_the_column_it_is_mapped_to() -> None:
    join = Total(output_mappings={"total": "sum"})

    outcome = join.apply_joined([SOURCE, SOURCE], ["l", "r"])

    assert rows_after(outcome) == [{"n": n, "sum": 2 * n} for n in (1, 2, 3)]


def test_a_join_that_is_mapped_leaves_a_column_of_its_own_name_alone() -> None:
    named = SOURCE.with_columns(total=pl.lit("the dataset's own"))

    outcome = Total(output_mappings={"total": "sum"}).apply_joined([named, named], ["l", "r"])

    assert rows_after(outcome)[0] == {"n": 1, "total": "the dataset's own", "sum": 2}


def test_a_join_takes_no_input_mappings() -> None:
    with pytest.raises(ConfigurationError, match=r"^Total: parameter 'input_mappings': .* none;"):
        Total(input_mappings={"n": "m"})


def test_rows_can_be_joined_by_hand_by_position() -> None:
    joined = next(SideBySide().process([{"a": 1}, {"a": 2}], [{"b": 3}, {"b": 4}]))

    assert joined == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]


def test_by_hand_rows_without_a_partner_are_not_dropped_in_silence() -> None:
    with pytest.raises(ConfigurationError, match=r"needs as many of each; it got 2, 1\."):
        next(SideBySide().process([{"a": 1}, {"a": 2}], [{"b": 3}]))


def test_a_join_that_does_not_say_how_is_an_error() -> None:
    with pytest.raises(NotImplementedError, match="FanInStep does not say how it joins rows"):
        FanInStep().apply_joined([LEFT, RIGHT], ["l", "r"])


def test_by_hand_outputs_are_mapped_and_a_missing_column_is_told() -> None:
    class Both(SideBySide):
        inputs: ClassVar = ("left",)
        outputs: ClassVar = ("right",)

    step = Both(name="both", output_mappings={"right": "other"})
    (made,) = step.process([{"left": 1}], [{"left": 1, "right": 2}])
    assert made == [{"left": 1, "right": 2, "other": 2}]
    with pytest.raises(ConfigurationError, match="needs the column 'left'"):
        list(step.process([{"n": 1}], [{"left": 1}]))
    with pytest.raises(ConfigurationError, match="it got none"):
        list(step.process())
