"""Grouping columns: one item for each step, for the same row, in the order of the steps."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import Gateway, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import Graph, GroupColumns, KeepColumns, LoadDataFromDicts, StepContext
from tasks.generated import METADATA
from tests.tasks.columns.conftest import SOURCE, branch, joined
from tests.tasks.conftest import Answer, keyed, keys_of, rows_after


def grouped(*values: Any, **parameters: Any) -> list[Any]:
    frames = [branch([{"a": value}, {"a": value}]) for value in values]
    outcome = joined(GroupColumns(columns=["a"], **parameters), *frames)
    return [row["grouped_a"] for row in rows_after(outcome)]


def test_the_values_of_a_row_become_a_list_in_the_order_of_the_steps() -> None:
    step = GroupColumns(columns=["generation", "model_name"], output_columns=["texts", "models"])
    first = branch(
        [{"generation": "1a", "model_name": "m"}, {"generation": "2a", "model_name": "m"}]
    )
    second = branch(
        [{"generation": "1b", "model_name": "n"}, {"generation": "2b", "model_name": "n"}]
    )
    outcome = joined(step, first, second)
    assert rows_after(outcome) == [
        {"instruction": "one", "texts": ["1a", "1b"], "models": ["m", "n"]},
        {"instruction": "two", "texts": ["2a", "2b"], "models": ["m", "n"]},
    ]
    assert keys_of(outcome.frame) == keys_of(keyed(SOURCE))


def test_by_hand_it_takes_one_list_of_rows_for_each_step() -> None:
    (made,) = GroupColumns(columns=["a"]).process([{"a": 1, "b": 0}], [{"a": 2, "b": 9}])
    assert made == [{"b": 9, "grouped_a": [1, 2]}]


@pytest.mark.parametrize(
    ("values", "items"),
    [
        pytest.param([["x"], ["y", "z"]], [["x"], ["y", "z"]], id="lists stay whole"),
        pytest.param(["x", None], ["x", None], id="a null stays an item"),
        pytest.param([[], None], [[], None], id="a null beside a list"),
        pytest.param([1, 2.5], [1.0, 2.5], id="numbers"),
        pytest.param([1, "x"], ["1", "x"], id="a number beside text"),
        pytest.param(
            [{"x": 1}, {"y": "q"}],
            [{"x": 1, "y": None}, {"x": None, "y": "q"}],
            id="objects get the fields of all",
        ),
        pytest.param(["x", "y", "z"], ["x", "y", "z"], id="three steps"),
    ],
)
def test_every_value_is_one_item(values: list[Any], items: list[Any]) -> None:
    assert grouped(*values) == [items, items]


def test_rows_in_another_order_are_joined_by_what_they_are_not_where_they_are() -> None:
    first = branch([{"a": "1a"}, {"a": "2a"}])
    second = branch([{"a": "1b"}, {"a": "2b"}]).reverse()
    outcome = joined(GroupColumns(columns=["a"]), first, second)
    assert [row["grouped_a"] for row in rows_after(outcome)] == [["1a", "1b"], ["2a", "2b"]]


def test_a_row_that_one_step_lacks_is_rejected_and_shifts_no_other() -> None:
    first = branch([{"a": "1a"}, {"a": "2a"}])
    second = branch([{"a": "1b"}, {"a": "2b"}]).tail(1)
    outcome = joined(GroupColumns(columns=["a"]), first, second)
    assert rows_after(outcome) == [{"instruction": "two", "grouped_a": ["2a", "2b"]}]
    (rejection,) = outcome.rejections
    assert rejection.reason == "the row did not come from 'second', only from 'first'"
    assert outcome.accounts(keys_of(first)).expanded == 0


def test_the_metadata_of_all_steps_is_kept(gateway: Gateway) -> None:
    frames = [
        Answer(name=name, llm=ScriptedLLM()).apply(keyed(SOURCE), StepContext(gateway)).frame
        for name in ("first", "second")
    ]
    outcome = joined(GroupColumns(columns=["generation"]), *frames)
    fields = outcome.frame[METADATA].struct.fields
    assert {f"raw_output_{name}" for name in ("first", "second")} < set(fields)
    assert outcome.frame[METADATA].struct.field("statistics_first").null_count() == 0


def test_types_that_share_no_list_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="cannot group 'a': one list cannot hold"):
        grouped("x", {"y": 1})


def test_a_missing_column_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="needs the column 'b'"):
        joined(GroupColumns(columns=["b"]), branch([{"a": 1}] * 2), branch([{"a": 2}] * 2))


def test_as_many_names_as_columns_are_needed() -> None:
    with Graph("g") as graph:
        with pytest.raises(ConfigurationError, match="names 1 columns for 2"):
            GroupColumns(columns=["a", "b"], output_columns=["c"])
        assert graph.steps == {}


@pytest.mark.parametrize(
    "parameters",
    [{"columns": ["a", "a"]}, {"columns": ["a", "b"], "output_columns": ["c", "c"]}],
    ids=["column", "new name"],
)
def test_a_name_that_comes_twice_is_one_sentence_at_construction(
    parameters: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match="comes twice; name each once"):
        GroupColumns(**parameters)


def test_a_mapped_output_has_its_new_name_in_the_check_before_a_run_too() -> None:
    step = GroupColumns(columns=["a"], output_mappings={"grouped_a": "all"})
    outcome = joined(step, branch([{"a": 1}] * 2), branch([{"a": 2}] * 2))
    assert [row["all"] for row in rows_after(outcome)] == [[1, 2], [1, 2]]
    assert step.columns_after({"a": pl.Int64()}) == {"all": pl.List(pl.Int64())}


def test_the_check_before_a_run_knows_what_is_left() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{"a": 1, "b": "x"}])
        branches = [KeepColumns(columns=["a", "b"]) for _ in range(2)]
        source >> branches >> GroupColumns(columns=["a"])
    assert graph.validate()["group_columns_0"] == {"b": pl.String, "grouped_a": pl.List(pl.Int64)}
