"""Mappings: the step keeps its words, the dataset keeps its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from llms import Gateway
from llms.errors import ConfigurationError
from tasks import Row, Step, step
from tests.tasks.conftest import Answer, RecordingLLM, applied, keys_of, rows_after


@step(inputs=["text"], outputs=["length"])
def measure(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        row["length"] = len(row["text"])
    yield rows


@step(inputs=["text"], outputs=["length"])
def measure_in_new_rows(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        yield [{**row, "length": len(row["text"])}]


@step(outputs=["left", "right"])
def two_sides(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        row["left"], row["right"] = "L", "R"
    yield rows


both_ways = pytest.mark.parametrize("measuring", [measure, measure_in_new_rows])


@both_ways
def test_a_step_reads_the_column_it_is_mapped_to(measuring: type[Step]) -> None:
    outcome = applied(measuring(input_mappings={"text": "body"}), [{"body": "abc"}])

    assert rows_after(outcome) == [{"body": "abc", "length": 3}]


@both_ways
def test_a_step_writes_the_column_it_is_mapped_to(measuring: type[Step]) -> None:
    outcome = applied(measuring(output_mappings={"length": "characters"}), [{"text": "abc"}])

    assert rows_after(outcome) == [{"text": "abc", "characters": 3}]


@both_ways
def test_a_column_with_the_name_of_a_mapped_input_is_untouched(measuring: type[Step]) -> None:
    rows = [{"text": "the dataset's own", "body": "abc"}]

    outcome = applied(measuring(input_mappings={"text": "body"}), rows)

    assert rows_after(outcome) == [{"text": "the dataset's own", "body": "abc", "length": 3}]


@both_ways
def test_a_column_with_the_name_of_a_mapped_output_is_untouched(measuring: type[Step]) -> None:
    outcome = applied(
        measuring(output_mappings={"length": "characters"}), [{"text": "abc", "length": "long"}]
    )

    assert rows_after(outcome) == [{"text": "abc", "length": "long", "characters": 3}]


@both_ways
def test_a_mapped_output_replaces_the_column_of_that_name(measuring: type[Step]) -> None:
    outcome = applied(
        measuring(output_mappings={"length": "size"}), [{"text": "abc", "size": "before"}]
    )

    assert rows_after(outcome) == [{"text": "abc", "size": 3}]


def test_inputs_may_trade_places() -> None:
    seen: list[Row] = []

    @step(inputs=["a", "b"])
    def look(rows: list[Row]) -> Iterator[list[Row]]:
        seen.extend(dict(row) for row in rows)
        yield rows

    outcome = applied(look(input_mappings={"a": "b", "b": "a"}), [{"a": 1, "b": 2}])

    assert seen == [{"a": 2, "b": 1}]
    assert rows_after(outcome) == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"n": 1}], id="new columns"),
        pytest.param([{"n": 1, "left": "old", "right": "old"}], id="over old columns"),
    ],
)
def test_outputs_may_trade_places(rows: list[Row]) -> None:
    outcome = applied(two_sides(output_mappings={"left": "right", "right": "left"}), rows)

    assert rows_after(outcome) == [{"n": 1, "left": "R", "right": "L"}]


def test_one_output_may_move_to_the_name_of_another() -> None:
    outcome = applied(two_sides(output_mappings={"left": "right", "right": "far"}), [{"n": 1}])

    assert rows_after(outcome) == [{"n": 1, "right": "L", "far": "R"}]


def test_one_column_may_feed_two_inputs() -> None:
    @step(inputs=["a", "b"], outputs=["same"])
    def compare(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["same"] = row["a"] == row["b"]
        yield rows

    outcome = applied(compare(input_mappings={"a": "x", "b": "x"}), [{"x": 1}])

    assert rows_after(outcome) == [{"x": 1, "same": True}]


def test_an_output_with_the_name_of_a_mapped_input_becomes_a_column() -> None:
    @step(inputs=["text"], outputs=["text"])
    def shout(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["text"] = row["text"].upper()
        yield rows

    outcome = applied(shout(input_mappings={"text": "body"}), [{"body": "abc"}])

    assert rows_after(outcome) == [{"body": "abc", "text": "ABC"}]


def test_a_step_may_write_back_into_the_column_it_reads() -> None:
    @step(inputs=["text"], outputs=["text"])
    def shout(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["text"] = row["text"].upper()
        yield rows

    in_place = shout(input_mappings={"text": "body"}, output_mappings={"text": "body"})

    rows = [{"body": "abc", "text": "the dataset's own"}]
    assert rows_after(applied(in_place, rows)) == [{"body": "ABC", "text": "the dataset's own"}]


def test_a_step_does_not_take_an_old_column_for_the_output_it_failed_to_make() -> None:
    class Forgetful(Step):
        inputs: ClassVar = ("text",)
        outputs: ClassVar = ("length",)

        def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
            yield inputs

    outcome = applied(
        Forgetful(output_mappings={"length": "characters"}), [{"text": "abc", "length": 99}]
    )

    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert "'length'" in rejection.reason


def test_rows_made_of_rows_get_their_shadowed_columns_back() -> None:
    @step(inputs=["text"], outputs=["word"])
    def words(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            yield [{"word": word} for word in row["text"].split()]

    rows = [{"text": "mine", "body": "a b"}, {"text": "yours", "body": "c"}]

    outcome = applied(words(input_mappings={"text": "body"}), rows)

    assert [(row["word"], row["text"]) for row in rows_after(outcome)] == [
        ("a", "mine"),
        ("b", "mine"),
        ("c", "yours"),
    ]


@pytest.mark.parametrize("group", [False, True], ids=["apart", "grouped"])
def test_generations_keep_the_columns_of_their_own_row(gateway: Gateway, group: bool) -> None:
    task = Answer(
        llm=RecordingLLM(),
        num_generations=3,
        group_generations=group,
        input_mappings={"instruction": "question"},
    )
    rows = [{"instruction": f"own {n}", "question": f"q{n}"} for n in range(4)]

    made = rows_after(applied(task, rows, gateway))

    assert [row["question"] for row in made] == sorted(
        [f"q{n}" for n in range(4)] * (1 if group else 3)
    )
    for row in made:
        assert row["instruction"] == f"own {row['question'][1:]}"
        replies = row["generation"] if group else [row["generation"]]
        assert all(reply.startswith(row["question"]) for reply in replies)


def test_a_second_task_with_a_mapped_output_keeps_the_generation_of_the_first(
    gateway: Gateway,
) -> None:
    rows = [{"instruction": "ask", "generation": "the first answer"}]
    task = Answer(llm=RecordingLLM(), output_mappings={"generation": "final"})

    (row,) = rows_after(applied(task, rows, gateway))

    assert row["generation"] == "the first answer"
    assert row["final"].startswith("ask [")


def test_model_name_may_be_mapped_too(gateway: Gateway) -> None:
    task = Answer(llm=RecordingLLM(), output_mappings={"model_name": "writer"})

    (row,) = rows_after(applied(task, [{"instruction": "a", "model_name": "earlier"}], gateway))

    assert (row["model_name"], row["writer"]) == ("earlier", "scripted")


def test_mappings_do_not_touch_the_keys(gateway: Gateway) -> None:
    plain = applied(Answer(llm=RecordingLLM()), [{"instruction": "a"}], gateway)
    mapped = applied(
        Answer(llm=RecordingLLM(), output_mappings={"generation": "final"}),
        [{"instruction": "a"}],
        gateway,
    )

    assert keys_of(plain.frame) == keys_of(mapped.frame)


def test_no_helper_column_stays_behind(gateway: Gateway) -> None:
    task = Answer(
        llm=RecordingLLM(),
        input_mappings={"instruction": "question"},
        output_mappings={"generation": "final"},
    )
    rows = [{"instruction": "own", "question": "q", "generation": "g"}]

    assert set(applied(task, rows, gateway).frame.columns) == {
        *("instruction", "question", "generation", "final"),
        *("model_name", "distilabel_metadata"),
        *("_row_key", "_parent_key"),
    }


def test_a_mapped_column_that_does_not_exist_is_named_with_the_ones_that_do() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"Step 'measure_0' maps its input 'text' to the column 'boddy', which does not "
        r"exist; the columns are: body\.",
    ):
        applied(measure(input_mappings={"text": "boddy"}), [{"body": "abc"}])
