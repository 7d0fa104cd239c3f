"""Identity: what a row is, not where it stands."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any, ClassVar

import polars as pl
import pytest

from llms import ChatRequest, Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError
from llms.llm import Reply
from tasks import Row, Step, step
from tasks.row import KEY, SourceKeys
from tests.tasks.conftest import (
    Answer,
    RecordingLLM,
    Rows,
    applied,
    keyed,
    keys_of,
    parents_of,
    rows_after,
)

ROWS = [{"text": "a", "n": 1}, {"text": "b", "n": 2}, {"text": "c", "n": 3}]


@step(inputs=["text"], outputs=["text"])
def upper(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        row["text"] = row["text"].upper()
    yield rows


@step(inputs=["text"], outputs=["text"])
def upper_in_new_rows(rows: list[Row]) -> Iterator[list[Row]]:
    yield [{**row, "text": row["text"].upper()} for row in rows]


@step(inputs=["text", "times"])
def repeat(rows: list[Row]) -> Iterator[list[Row]]:
    for row in rows:
        yield [{"text": row["text"], "copy": copy} for copy in range(row["times"])]


def test_a_row_keeps_its_key_wherever_it_stands() -> None:
    expected = {row["text"]: key for row, key in zip(ROWS, keys_of(keyed(ROWS)), strict=True)}

    for shuffled in permutations(ROWS):
        frame = keyed(shuffled)
        assert dict(zip(frame["text"], frame[KEY], strict=True)) == expected


@pytest.mark.parametrize("batch_size", [1, 2, 3, 50])
def test_keys_do_not_depend_on_how_a_source_is_cut(batch_size: int) -> None:
    source = Rows(data=[*ROWS, *ROWS], batch_size=batch_size)

    keys = [key for frame in source.keyed_frames() for key in keys_of(frame)]

    assert keys == keys_of(keyed([*ROWS, *ROWS]))


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"text": "a"}, {"text": "b", "n": 2}], id="a column"),
        pytest.param([{"m": {"x": 1}}, {"m": {"x": 2, "y": 2}}], id="a field"),
        pytest.param([{"n": 1}, {"n": 2.5}], id="real numbers"),
        pytest.param([{"n": [1, 2]}, {"n": [2.5]}], id="real numbers in a list"),
    ],
)
def test_keys_do_not_depend_on_the_cut_where_something_comes_late(rows: list[Row]) -> None:
    (together,) = Rows(data=rows, batch_size=2).keyed_frames()
    first, second = Rows(data=rows, batch_size=1).keyed_frames()

    assert keys_of(together) == keys_of(first) + keys_of(second)


def test_the_order_of_columns_is_not_content() -> None:
    assert keys_of(keyed([{"text": "a", "n": 1}])) == keys_of(keyed([{"n": 1, "text": "a"}]))


def test_equal_rows_have_different_keys() -> None:
    keys = keys_of(keyed([{"text": "a"}] * 4))

    assert len(set(keys)) == 4


def test_equal_rows_are_told_apart_by_occurrence_and_not_by_position() -> None:
    first, second = keys_of(keyed([{"text": "a"}, {"text": "a"}]))

    frame = keyed([{"text": "b"}, {"text": "a"}, {"text": "c"}, {"text": "a"}])

    assert frame.filter(pl.col("text") == "a")[KEY].to_list() == [first, second]


def test_the_first_of_equal_rows_has_the_key_of_a_row_without_equals() -> None:
    assert keys_of(keyed([{"text": "a"}])) == keys_of(keyed([{"text": "a"}] * 2))[:1]


@pytest.mark.parametrize(
    ("value", "other"),
    [
        pytest.param(1, "1", id="number and text"),
        pytest.param(1, 1.5, id="whole and real"),
        pytest.param(1, True, id="number and truth"),
        pytest.param(None, "", id="nothing and empty"),
        pytest.param("\u00e9", "e\u0301", id="composed and combining"),
        pytest.param(["a", "b"], ["b", "a"], id="order of a list"),
        pytest.param({"a": 1}, {"a": 2}, id="inside a struct"),
        pytest.param(b"a", "a", id="bytes and text"),
        pytest.param(date(2026, 1, 1), datetime(2026, 1, 1), id="day and midnight"),  # noqa: DTZ001  # rows may hold naive times
        pytest.param(Decimal("1.0"), Decimal("1.00"), id="decimals"),
        pytest.param(timedelta(seconds=1), timedelta(seconds=2), id="durations"),
    ],
)
def test_different_values_give_different_keys(value: Any, other: Any) -> None:
    assert SourceKeys(None).of({"v": value}) == SourceKeys(None).of({"v": value})
    assert SourceKeys(None).of({"v": value}) != SourceKeys(None).of({"v": other})


def test_key_columns_keep_a_row_the_same_row_when_other_columns_are_edited() -> None:
    before = [{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]
    after = [{"id": 1, "text": "edited", "extra": 1}, {"id": 2, "text": "b"}]

    assert keys_of(keyed(before, ["id"])) == keys_of(keyed(after, ["id"]))


def test_another_key_is_another_row() -> None:
    assert keys_of(keyed([{"id": 1}], ["id"])) != keys_of(keyed([{"id": 2}], ["id"]))


def test_rows_with_equal_key_columns_still_have_different_keys() -> None:
    keys = keys_of(keyed([{"id": 1, "text": "a"}, {"id": 1, "text": "b"}], ["id"]))

    assert len(set(keys)) == 2


def test_key_columns_have_the_names_of_the_dataset() -> None:
    source = Rows(
        data=[{"ident": 1, "text": "a"}],
        key_columns=("id",),
        output_mappings={"ident": "id"},
    )

    (frame,) = source.keyed_frames()

    assert keys_of(frame) == keys_of(keyed([{"id": 1}], ["id"]))


def test_a_missing_key_column_is_named_with_the_ones_that_are_there() -> None:
    source = Rows(name="source", data=ROWS, key_columns=("id",))

    with pytest.raises(
        ConfigurationError,
        match=r"Step 'source' needs the column 'id', which does not exist; "
        r"the columns are: text, n\.",
    ):
        list(source.keyed_frames())


@pytest.mark.parametrize("one_to_one", [upper, upper_in_new_rows])
def test_a_step_that_makes_one_row_of_one_keeps_the_keys(one_to_one: type[Step]) -> None:
    outcome = applied(one_to_one(), ROWS)

    assert outcome.frame["text"].to_list() == ["A", "B", "C"]
    assert keys_of(outcome.frame) == parents_of(outcome) == keys_of(keyed(ROWS))


def test_a_task_with_one_generation_keeps_the_keys(gateway: Gateway) -> None:
    rows = [{"instruction": "a"}, {"instruction": "b"}]

    outcome = applied(Answer(llm=RecordingLLM()), rows, gateway)

    assert keys_of(outcome.frame) == parents_of(outcome) == keys_of(keyed(rows))


def test_a_step_that_filters_keeps_the_keys_of_the_others() -> None:
    @step(inputs=["n"])
    def odd(rows: list[Row]) -> Iterator[list[Row]]:
        yield [row for row in rows if row["n"] % 2]

    kept = keys_of(applied(odd(), ROWS).frame)

    assert kept == [keys_of(keyed(ROWS))[0], keys_of(keyed(ROWS))[2]]


def test_rows_made_from_one_row_name_it_as_their_parent() -> None:
    rows = [{"text": "a", "times": 2}, {"text": "b", "times": 3}]
    first, second = keys_of(keyed(rows))

    outcome = applied(repeat(), rows)

    assert parents_of(outcome) == [first, first, second, second, second]
    assert len(set(keys_of(outcome.frame))) == 5
    assert not {first, second} & set(keys_of(outcome.frame))


def test_derived_keys_do_not_depend_on_the_neighbours() -> None:
    alone = applied(repeat(), [{"text": "b", "times": 2}])
    among = applied(repeat(), [{"text": "a", "times": 3}, {"text": "b", "times": 2}])

    assert keys_of(alone.frame) == keys_of(among.frame)[3:]


def test_two_steps_derive_different_rows_from_one_row() -> None:
    rows = [{"text": "a", "times": 2}]

    first = keys_of(applied(repeat(name="first"), rows).frame)
    second = keys_of(applied(repeat(name="second"), rows).frame)

    assert not set(first) & set(second)


def test_the_generations_of_a_row_have_keys_of_their_own(gateway: Gateway) -> None:
    outcome = applied(
        Answer(llm=RecordingLLM(), num_generations=3), [{"instruction": "a"}], gateway
    )

    assert len(set(keys_of(outcome.frame))) == 3
    assert parents_of(outcome) == keys_of(keyed([{"instruction": "a"}])) * 3


def test_a_row_given_back_twice_becomes_two_rows_with_keys_of_their_own() -> None:
    @step(inputs=["text"])
    def double(rows: list[Row]) -> Iterator[list[Row]]:
        yield rows
        yield rows

    outcome = applied(double(), ROWS)

    assert len(set(keys_of(outcome.frame))) == 6


def test_rows_come_out_in_the_order_in_which_they_went_in() -> None:
    @step(inputs=["text"])
    def backwards(rows: list[Row]) -> Iterator[list[Row]]:
        yield rows[::-1]

    assert [row["text"] for row in rows_after(applied(backwards(), ROWS))] == ["a", "b", "c"]


def test_a_slow_answer_does_not_change_the_order(gateway: Gateway) -> None:
    class FirstIsSlow(RecordingLLM):
        arrived: ClassVar[list[str]] = []

        async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
            prompt = text_content(request.messages[-1])
            await asyncio.sleep(0.1 if prompt == "slow" else 0)
            self.arrived.append(prompt)
            return await super().send(client, request, seed)

    rows = [{"instruction": "slow"}, {"instruction": "fast"}]

    outcome = applied(Answer(llm=FirstIsSlow()), rows, gateway)

    assert FirstIsSlow.arrived == ["fast", "slow"]
    assert outcome.frame["instruction"].to_list() == ["slow", "fast"]


def test_a_source_starts_at_an_offset() -> None:
    class Frames(Rows):
        def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
            yield from super(Rows, self).process(offset)

        def frames(self) -> Iterator[pl.DataFrame]:
            yield pl.DataFrame(self.data[:2])
            yield pl.DataFrame(self.data[2:])

    batches = list(Frames(data=ROWS, batch_size=1).process(offset=1))

    assert batches == [([ROWS[1]], False), ([ROWS[2]], True)]
