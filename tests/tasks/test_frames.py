"""Between rows and frames nothing is lost: no column, no value, no row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from tasks import Row, StepContext, step
from tasks.frames import derive, frame_of, rows_of
from tasks.row import KEY, PARENT
from tests.tasks.conftest import applied, keyed, keys_of, rows_after


@pytest.mark.parametrize(
    "value",
    [
        "text",
        "",
        0,
        2**63 - 1,
        1.5,
        True,
        None,
        b"\x00bytes",
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        timedelta(days=1, microseconds=1),
        Decimal("1.25"),
        [],
        ["a", None],
        [[1], []],
        {"role": "user", "content": "hi"},
        [{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}],
        {"deep": [{"deeper": {"deepest": [1.5]}}]},
    ],
    ids=repr,
)
def test_a_value_comes_back_as_it_went_in(value: Any) -> None:
    assert rows_of(frame_of([{"v": value}])) == [{"v": value}]


def test_a_column_that_the_first_row_lacks_survives() -> None:
    rows = [{"a": 1}] * 200 + [{"a": 2, "late": "here"}]

    frame = frame_of(rows)

    assert frame.columns == ["a", "late"]
    assert frame["late"].to_list() == [None] * 200 + ["here"]


def test_a_field_that_the_first_struct_lacks_survives() -> None:
    frame = frame_of([{"m": {"a": 1}}, {"m": {"a": 2, "late": "here"}}])

    assert frame["m"].to_list() == [{"a": 1, "late": None}, {"a": 2, "late": "here"}]


def test_a_whole_number_before_a_real_one_does_not_cut_it() -> None:
    assert frame_of([{"n": 1}] * 200 + [{"n": 2.5}])["n"].to_list()[-1] == 2.5


def test_columns_stand_in_the_order_of_their_first_appearance() -> None:
    assert frame_of([{"b": 1, "a": 1}, {"c": 1, "a": 1}]).columns == ["b", "a", "c"]


def test_a_known_type_is_kept_where_there_are_only_nulls() -> None:
    frame = frame_of([{"rating": None}], {"rating": pl.Int64})

    assert frame.schema == {"rating": pl.Int64}


def test_a_known_type_gives_way_to_values_that_do_not_fit() -> None:
    assert frame_of([{"n": 1.5}], {"n": pl.Int64})["n"].to_list() == [1.5]


def test_without_rows_the_known_columns_are_there_with_their_types() -> None:
    frame = frame_of([], {"text": pl.String, "unknown": None})

    assert frame.schema == {"text": pl.String, "unknown": pl.Null}
    assert frame.height == 0


def test_with_rows_a_column_that_is_only_known_is_left_out() -> None:
    assert frame_of([{"a": 1}], {"a": pl.Int64, "b": pl.Int64}).columns == ["a"]


def test_rows_do_not_show_the_hidden_columns() -> None:
    assert rows_of(keyed([{"a": 1}])) == [{"a": 1}]


def test_a_column_that_held_only_nulls_takes_values() -> None:
    @step(inputs=["answer"], outputs=["answer"])
    def fill(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["answer"] = "filled"
        yield rows

    assert rows_after(applied(fill(), [{"answer": None}])) == [{"answer": "filled"}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, id="struct"),
        pytest.param([{"a": 1}], [{"a": 1, "b": 2}], id="list of structs"),
        pytest.param({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, id="struct in a struct"),
        pytest.param({"a": None}, {"a": "now"}, id="null field"),
        pytest.param([None], ["now"], id="list of nulls"),
    ],
)
def test_a_step_may_add_to_a_nested_value(before: Any, after: Any) -> None:
    frame = keyed([{"v": before}])

    made = derive(frame, [0], keys_of(frame), [{"v": after}])

    assert rows_of(made) == [{"v": after}]


def test_derived_rows_have_their_own_keys_and_name_their_parents() -> None:
    frame = keyed([{"a": 1}, {"a": 2}])

    made = derive(frame, [1, 1], ["x", "y"], [{"b": 1}, {"b": 2}])

    assert made[KEY].to_list() == ["x", "y"]
    assert made[PARENT].to_list() == [keys_of(frame)[1]] * 2
    assert rows_of(made) == [{"b": 1}, {"b": 2}]


def test_rows_that_a_step_left_without_columns_are_still_rows() -> None:
    @step()
    def clear(rows: list[Row]) -> Iterator[list[Row]]:
        yield [{} for _ in rows]

    @step(outputs=["new"])
    def start_anew(rows: list[Row]) -> Iterator[list[Row]]:
        yield [{"new": True} for _ in rows]

    cleared = applied(clear(), [{"a": 1}, {"a": 2}])

    made = start_anew().apply(cleared.frame, StepContext())

    assert cleared.frame.height == 2
    assert rows_of(made.frame) == [{"new": True}, {"new": True}]


def test_the_schema_of_a_partition_does_not_depend_on_what_failed_in_it() -> None:
    @step(inputs=["n"], outputs={"half": pl.Float64})
    def halve_even(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            if row["n"] % 2:
                raise ValueError("odd")
            yield [{**row, "half": row["n"] / 2}]

    good = applied(halve_even(), [{"n": 2}])
    bad = applied(halve_even(), [{"n": 1}])

    assert bad.frame.height == 0
    assert bad.frame.schema == good.frame.schema
