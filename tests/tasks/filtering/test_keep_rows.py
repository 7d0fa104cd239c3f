"""Rows that a filter marked."""

from __future__ import annotations

from tasks import Graph, LoadDataFromDicts, Row
from tasks.filtering.keep_rows import KeepRows
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROWS: list[Row] = [
    {"text": "a", "near": True, "right": True},
    {"text": "b", "near": True, "right": False},
    {"text": "c", "near": None, "right": True},
    {"text": "d", "near": True, "right": True},
]


def test_rows_with_all_marks_stay_and_the_others_count_as_filtered() -> None:
    outcome = applied(KeepRows(columns=("near", "right")), ROWS)
    assert rows_after(outcome) == [{"text": "a"}, {"text": "d"}]
    books = outcome.accounts(keys_of(keyed(ROWS)))
    assert (books.rows_out, books.filtered, books.rejected) == (2, 2, 0)


def test_the_columns_after_it_are_known_before_a_run() -> None:
    graph = Graph("marks")
    load = LoadDataFromDicts(data=ROWS, pipeline=graph)
    keep = KeepRows(columns=("near",), pipeline=graph)
    load >> keep
    assert list(graph.validate()[keep.name] or {}) == ["text", "right"]
