"""Keeping columns: those named, in that order, and nothing else."""

from __future__ import annotations

import pytest

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromDicts
from tests.tasks.conftest import applied, keyed, keys_of

ROWS = [{"a": 1, "b": "x", "c": True}, {"a": 2, "b": "y", "c": False}]


def test_the_named_columns_stay_in_the_order_named() -> None:
    (made,) = KeepColumns(columns=["c", "a"]).process(ROWS)
    assert [list(row.items()) for row in made] == [
        [("c", True), ("a", 1)],
        [("c", False), ("a", 2)],
    ]


def test_rows_keep_their_keys() -> None:
    outcome = applied(KeepColumns(columns=["b"]), ROWS)
    assert keys_of(outcome.frame) == keys_of(keyed(ROWS))
    assert not outcome.rejections


def test_a_missing_column_is_one_error_that_lists_the_columns() -> None:
    with pytest.raises(ConfigurationError, match=r"needs the column 'z'.*the columns are: a, b, c"):
        list(KeepColumns(columns=["a", "z"]).process(ROWS))


def test_no_columns_at_all_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="parameter 'columns'"):
        KeepColumns(columns=[])


def test_a_kept_column_may_be_renamed() -> None:
    (made,) = KeepColumns(columns=["b"], output_mappings={"b": "text"}).process(ROWS)
    assert made == [{"text": "x"}, {"text": "y"}]
    (made,) = KeepColumns(columns=["text"], input_mappings={"text": "b"}).process(ROWS)
    assert made == [{"text": "x"}, {"text": "y"}]


def test_the_check_before_a_run_knows_what_is_left() -> None:
    with Graph("g") as graph:
        (
            LoadDataFromDicts(data=ROWS)
            >> KeepColumns(columns=["b", "a"])
            >> KeepColumns(columns=["c"])
        )
    with pytest.raises(ConfigurationError, match="the columns are: b, a"):
        graph.validate()
