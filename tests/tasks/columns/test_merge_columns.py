"""Merging columns: every value of every column, in order, in one list."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromDicts, MergeColumns, StepContext
from tests.tasks.conftest import applied, keyed, keys_of, rows_after


def merged(row: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    parameters = {"columns": ["a", "b"], **parameters}
    (made,) = rows_after(applied(MergeColumns(**parameters), [row]))
    return made


@pytest.mark.parametrize(
    ("row", "items"),
    [
        pytest.param({"a": "x", "b": "y"}, ["x", "y"], id="values"),
        pytest.param({"a": ["x", "y"], "b": ["z"]}, ["x", "y", "z"], id="lists"),
        pytest.param({"a": ["x"], "b": "y"}, ["x", "y"], id="a list and a value"),
        pytest.param({"a": [], "b": "y"}, ["y"], id="an empty list"),
        pytest.param({"a": None, "b": "y"}, [None, "y"], id="a null"),
        pytest.param({"a": 1, "b": 2.5}, [1.0, 2.5], id="numbers"),
        pytest.param({"a": True, "b": 2}, ["true", "2"], id="a truth value and a number"),
        pytest.param({"a": {"x": 1}, "b": {"x": 2}}, [{"x": 1}, {"x": 2}], id="objects"),
    ],
)
def test_values_come_in_the_order_of_the_columns(row: dict[str, Any], items: list[Any]) -> None:
    assert merged(row) == {"merged_column": items}


def test_a_null_in_a_column_of_lists_is_one_null_item_and_not_a_null_row() -> None:
    step = MergeColumns(columns=["a", "b"])
    rows: list[dict[str, Any]] = [{"a": ["x"], "b": "y"}, {"a": None, "b": "z"}]
    (made,) = step.process(rows)
    assert made == [{"merged_column": ["x", "y"]}, {"merged_column": [None, "z"]}]


def test_lists_of_one_fixed_length_are_taken_item_by_item_too() -> None:
    fixed = pl.Series("a", [[1, 2], None], dtype=pl.Array(pl.Int64, 2))
    frame = keyed([{"b": [3]}, {"b": [4]}]).with_columns(fixed)
    step = MergeColumns(columns=["a", "b"])
    assert rows_after(step.apply(frame, StepContext())) == [
        {"merged_column": [1, 2, 3]},
        {"merged_column": [None, 4]},
    ]
    before = {"a": pl.Array(pl.Int64, 2), "b": pl.List(pl.Int64())}
    assert step.columns_after(before) == {"merged_column": pl.List(pl.Int64())}


def test_the_merged_columns_go_and_the_others_stay() -> None:
    assert merged({"c": 0, "a": 1, "b": 2}, output_column="all") == {"c": 0, "all": [1, 2]}


def test_the_list_may_take_the_name_of_a_merged_column() -> None:
    assert merged({"a": 1, "b": 2}, output_column="a") == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("parameters", "made"),
    [
        pytest.param({"input_mappings": {"a": "c"}}, {"a": 1, "merged_column": [3, 2]}, id="input"),
        pytest.param(
            {"input_mappings": {"a": "b", "b": "a"}},
            {"c": 3, "merged_column": [2, 1]},
            id="swapped inputs",
        ),
        pytest.param(
            {"output_mappings": {"merged_column": "m"}}, {"c": 3, "m": [1, 2]}, id="output"
        ),
    ],
)
def test_mappings_name_the_datasets_columns(
    parameters: dict[str, Any], made: dict[str, Any]
) -> None:
    assert merged({"a": 1, "b": 2, "c": 3}, **parameters) == made


def test_rows_keep_their_keys() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert keys_of(applied(MergeColumns(columns=["a", "b"]), rows).frame) == keys_of(keyed(rows))


def test_types_that_share_no_list_are_an_error_before_the_run_and_in_it() -> None:
    row = {"a": "x", "b": {"y": 1}}
    with pytest.raises(ConfigurationError, match="cannot merge 'a', 'b': one list cannot hold"):
        merged(row)
    with Graph("g") as graph:
        LoadDataFromDicts(data=[row]) >> MergeColumns(columns=["a", "b"])
    with pytest.raises(ConfigurationError, match="cannot merge 'a', 'b'"):
        graph.validate()


def test_the_check_before_a_run_knows_what_is_left() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{"a": ["x"], "b": "y", "c": 1}])
        source >> MergeColumns(columns=["a", "b"])
    assert graph.validate()["merge_columns_0"] == {
        "c": pl.Int64,
        "merged_column": pl.List(pl.String),
    }
    with graph:
        graph.steps["merge_columns_0"] >> KeepColumns(columns=["a"])
    with pytest.raises(ConfigurationError, match="needs the column 'a'"):
        graph.validate()
