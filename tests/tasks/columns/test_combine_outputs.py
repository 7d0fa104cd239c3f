"""Combining outputs: the columns of several steps for the same row."""

from __future__ import annotations

import pytest

from llms import Gateway, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import CombineOutputs, StepContext
from tasks.generated import METADATA
from tests.tasks.columns.conftest import SOURCE, branch, joined
from tests.tasks.conftest import Answer, keyed, keys_of, rows_after


def test_a_row_gets_the_columns_of_all_steps() -> None:
    outcome = joined(
        CombineOutputs(), branch([{"a": 1}, {"a": 2}]), branch([{"b": "x"}, {"b": "y"}])
    )
    assert rows_after(outcome) == [
        {"instruction": "one", "a": 1, "b": "x"},
        {"instruction": "two", "a": 2, "b": "y"},
    ]
    assert keys_of(outcome.frame) == keys_of(keyed(SOURCE))


def test_by_hand_it_takes_one_list_of_rows_for_each_step() -> None:
    (made,) = CombineOutputs().process([{"a": 1}], [{"b": 2}], [{"c": 3}])
    assert made == [{"a": 1, "b": 2, "c": 3}]


def test_of_equal_names_the_step_connected_last_wins() -> None:
    outcome = joined(CombineOutputs(), branch([{"a": 1}] * 2), branch([{"a": 9}] * 2))
    assert [row["a"] for row in rows_after(outcome)] == [9, 9]


def test_no_row_is_cut_off_by_a_step_with_fewer_rows() -> None:
    first, second = branch([{"a": 1}, {"a": 2}]), branch([{"b": 1}, {"b": 2}]).head(1)
    outcome = joined(CombineOutputs(), first, second)
    assert outcome.frame.height + len(outcome.rejections) == 2
    assert outcome.rejections[0].row == {"instruction": "two", "a": 2}


def test_by_hand_lists_of_different_lengths_are_an_error_and_not_cut_to_the_shortest() -> None:
    with pytest.raises(ConfigurationError, match=r"needs as many of each; it got 2, 1\."):
        next(CombineOutputs().process([{"a": 1}, {"a": 2}], [{"b": 1}]))


def test_the_metadata_of_all_steps_is_kept(gateway: Gateway) -> None:
    context = StepContext(gateway)
    before = Answer(name="before", llm=ScriptedLLM()).apply(keyed(SOURCE), context).frame
    frames = [
        Answer(name=name, llm=ScriptedLLM()).apply(before, context).frame
        for name in ("first", "second")
    ]
    outcome = joined(CombineOutputs(), *frames)
    assert {f"raw_output_{name}" for name in ("before", "first", "second")} < set(
        outcome.frame[METADATA].struct.fields
    )
