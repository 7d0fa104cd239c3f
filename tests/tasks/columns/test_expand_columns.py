"""Expanding columns: one row for each item, and a reason where there is none."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import Gateway, ScriptedLLM
from llms.errors import ConfigurationError, RowRejected
from tasks import ExpandColumns, Graph, LoadDataFromDicts, StepContext
from tasks.generated import METADATA
from tasks.row import derived_key
from tests.tasks.conftest import Answer, applied, keyed, keys_of, parents_of, rows_after


def expanded(*rows: dict[str, Any], **parameters: Any) -> list[dict[str, Any]]:
    return rows_after(applied(ExpandColumns(**{"columns": ["a"], **parameters}), rows))


def test_every_item_gets_a_row_and_the_other_columns_are_repeated() -> None:
    (made,) = ExpandColumns(columns=["a"]).process(
        [{"a": ["x", "y"], "b": 1}, {"a": ["z"], "b": 2}]
    )
    assert made == [{"a": "x", "b": 1}, {"a": "y", "b": 1}, {"a": "z", "b": 2}]


def test_several_lists_are_taken_apart_together() -> None:
    assert expanded({"a": [1, 2], "b": ["x", "y"]}, columns=["a", "b"]) == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_a_new_name_keeps_the_list_too() -> None:
    assert expanded({"a": [1, 2]}, columns={"a": "item"}) == [
        {"a": [1, 2], "item": 1},
        {"a": [1, 2], "item": 2},
    ]


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([{"x": 1}, {"x": 2}], id="objects"),
        pytest.param([["p"], ["q", "r"]], id="lists"),
        pytest.param(["x", None], id="a null item"),
    ],
)
def test_items_of_any_type_are_kept(items: list[Any]) -> None:
    assert [row["a"] for row in expanded({"a": items})] == items


def test_keys_come_from_the_parent_and_the_place_in_the_list() -> None:
    rows = [{"a": [1, 2]}, {"a": [3]}]
    outcome = applied(ExpandColumns(columns=["a"]), rows)
    first, second = keys_of(keyed(rows))
    name = "expand_columns_0"
    assert keys_of(outcome.frame) == [
        derived_key(first, name, 0),
        derived_key(first, name, 1),
        derived_key(second, name, 0),
    ]
    assert parents_of(outcome) == [first, first, second]
    assert outcome.accounts([first, second]).expanded == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(
            {"a": [1, 2], "b": [1]},
            "the lists are not equally long: 'a' has 2, 'b' has 1",
            id="uneven",
        ),
        pytest.param({"a": None, "b": [1]}, "the column 'a' is null", id="null"),
        pytest.param({"a": [1], "b": []}, "the column 'b' holds an empty list", id="empty"),
    ],
)
def test_a_row_without_items_is_rejected_alone_and_never_filled_or_dropped(
    bad: dict[str, Any], reason: str
) -> None:
    good = {"a": [1], "b": [2]}
    outcome = applied(ExpandColumns(columns=["a", "b"]), [good, bad, good])
    assert rows_after(outcome) == [{"a": 1, "b": 2}, {"a": 1, "b": 2}]
    (rejection,) = outcome.rejections
    assert (rejection.reason, rejection.row) == (reason, bad)


def test_by_hand_the_bad_row_is_left_out_with_a_warning() -> None:
    step = ExpandColumns(columns=["a"])
    with pytest.warns(UserWarning, match="1 of 2 rows were rejected.*holds an empty list"):
        assert list(step.process([{"a": [1]}, {"a": []}])) == [[{"a": 1}]]
    with pytest.raises(RowRejected, match="1 of 1 rows"):
        list(step.process([{"a": None}]))


@pytest.mark.parametrize("encoded", [True, ["a"]], ids=["all", "named"])
def test_an_encoded_column_is_a_list_written_as_json(encoded: Any) -> None:
    rows = [{"a": '[{"x": 1}, {"y": "q"}]'}, {"a": "[{}]"}]
    assert [row["a"] for row in expanded(*rows, encoded=encoded)] == [
        {"x": 1, "y": None},
        {"x": None, "y": "q"},
        {"x": None, "y": None},
    ]


def test_only_the_named_columns_are_decoded() -> None:
    assert expanded({"a": "[1]", "b": ["[2]"]}, columns=["a", "b"], encoded=["a"]) == [
        {"a": 1, "b": "[2]"}
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[1", "the column 'a' holds no JSON list: Expecting", id="cut"),
        pytest.param('{"x": 1}', "the column 'a' holds no JSON list: it is no list", id="object"),
        pytest.param("null", "the column 'a' is null", id="JSON null"),
        pytest.param(None, "the column 'a' is null", id="null"),
        pytest.param("[]", "the column 'a' holds an empty list", id="empty"),
    ],
)
def test_a_list_that_cannot_be_decoded_is_rejected_alone(text: str | None, reason: str) -> None:
    outcome = applied(ExpandColumns(columns=["a"], encoded=True), [{"a": "[1]"}, {"a": text}])
    assert rows_after(outcome) == [{"a": 1}]
    assert outcome.rejections[0].reason.startswith(reason)


def test_a_list_nested_too_deeply_is_rejected_alone() -> None:
    rows = [{"a": "[1]"}, {"a": "[" * 100_000}]
    outcome = applied(ExpandColumns(columns=["a"], encoded=True), rows)
    assert rows_after(outcome) == [{"a": 1}]
    assert "holds no JSON list" in outcome.rejections[0].reason


def test_a_column_of_lists_that_is_said_to_be_json_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"'a' as JSON, because it is List\(Int64\)"):
        expanded({"a": [1, 2]}, encoded=True)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param(
            {"columns": {"a": "x", "b": "x"}}, "several columns the new name 'x'", id="one new name"
        ),
        pytest.param(
            {"columns": ["a"], "encoded": ["b"]}, "encoded= names 'b', which is not", id="encoded"
        ),
        pytest.param({"columns": []}, "'columns", id="no columns"),
        pytest.param({"columns": "a"}, "'columns", id="a bare name"),
    ],
)
def test_names_that_do_not_go_together_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ExpandColumns(**parameters)


def test_lists_of_one_fixed_length_are_lists_too() -> None:
    column = pl.Series("a", [[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2))
    frame = keyed([{"b": 1}, {"b": 2}]).with_columns(column)
    outcome = ExpandColumns(columns=["a"]).apply(frame, StepContext())
    assert [row["a"] for row in rows_after(outcome)] == [1, 2, 3, 4]


def test_a_column_that_is_no_list_is_an_error_that_names_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match="'a', which is String and no list; encoded=True"):
        expanded({"a": "[1]"})
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"a": "[1]"}]) >> ExpandColumns(columns=["a"])
    with pytest.raises(ConfigurationError, match="which is String and no list"):
        graph.validate()


@pytest.mark.parametrize("encoded", [False, True], ids=["lists", "encoded"])
def test_a_partition_without_rows_stays_without_rows(encoded: bool) -> None:
    frame = keyed([{"a": "[1]" if encoded else [1]}]).clear()
    outcome = ExpandColumns(columns=["a"], encoded=encoded).apply(frame, StepContext())
    assert outcome.frame.height == 0
    assert "a" in outcome.frame.columns


def test_split_statistics_shares_out_the_tokens_without_losing_any(gateway: Gateway) -> None:
    llm = ScriptedLLM(replies=("one two three four five six seven",))
    task = Answer(name="task", llm=llm, num_generations=3, group_generations=True)
    frame = task.apply(keyed([{"instruction": "a b c d e"}]), StepContext(gateway)).frame
    before = frame[METADATA].to_list()[0]["statistics_task"]
    step = ExpandColumns(columns=["generation"], split_statistics=True)
    after = step.apply(frame, StepContext()).frame[METADATA].to_list()
    assert len(after) == 3
    for place, whole in enumerate(before):
        for name in ("input_tokens", "output_tokens"):
            parts = [row["statistics_task"][place][name] for row in after]
            assert sum(parts) == whole[name]
            assert max(parts) - min(parts) <= 1
        assert {row["statistics_task"][place]["model"] for row in after} == {whole["model"]}


def test_split_statistics_does_not_change_the_step_so_a_second_partition_is_split_alike(
    gateway: Gateway,
) -> None:
    task = Answer(name="task", llm=ScriptedLLM(replies=("one two three",)))
    step = ExpandColumns(columns=["items"], split_statistics=True)
    signature = step.signature
    shares = []
    for items in ([1, 2], [1, 2, 3]):
        frame = task.apply(keyed([{"instruction": "a", "items": items}]), StepContext(gateway))
        made = step.apply(frame.frame, StepContext()).frame[METADATA].to_list()
        shares.append([row["statistics_task"]["output_tokens"] for row in made])
    assert shares == [[2, 1], [1, 1, 1]]
    assert step.signature == signature


def test_without_split_statistics_every_row_repeats_them(gateway: Gateway) -> None:
    task = Answer(name="task", llm=ScriptedLLM(), output_mappings={"generation": "texts"})
    rows = keyed([{"instruction": "a b", "items": [1, 2]}])
    frame = task.apply(rows, StepContext(gateway)).frame
    after = ExpandColumns(columns=["items"]).apply(frame, StepContext()).frame
    assert after[METADATA].to_list() == frame[METADATA].to_list() * 2


@pytest.mark.parametrize(
    ("parameters", "made"),
    [
        pytest.param(
            {"columns": ["item"], "input_mappings": {"item": "a"}},
            [{"a": [1, 2], "item": 1}, {"a": [1, 2], "item": 2}],
            id="input",
        ),
        pytest.param(
            {"columns": ["a"], "output_mappings": {"a": "item"}},
            [{"a": [1, 2], "item": 1}, {"a": [1, 2], "item": 2}],
            id="output",
        ),
    ],
)
def test_mappings_name_the_datasets_columns(
    parameters: dict[str, Any], made: list[dict[str, Any]]
) -> None:
    assert expanded({"a": [1, 2]}, **parameters) == made


def test_the_check_before_a_run_knows_the_type_of_an_item() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{"a": [1], "b": "[1]"}])
        source >> ExpandColumns(columns={"a": "item"}) >> ExpandColumns(columns=["b"], encoded=True)
    columns = graph.validate()
    assert columns["expand_columns_0"] == {"a": pl.List(pl.Int64), "b": pl.String, "item": pl.Int64}
    assert (columns["expand_columns_1"] or {})["b"] is None
