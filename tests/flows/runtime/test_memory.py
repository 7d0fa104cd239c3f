"""Rows that were made before are not made again, and are what they would be if they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from json import dumps, loads
from typing import Any, ClassVar

import polars as pl
import pytest

from flows import Pipeline
from flows.runtime.offline import OfflineRun, run_offline
from flows.runtime.record import read_record, write_record
from flows.runtime.run import Run
from flows.runtime.workspace import Partition, Workspace
from llms.errors import ServerFailed
from llms.gateway import Gateway
from llms.home import default_gateway, home
from llms.retries import RetryPolicy
from tasks import (
    FormatTextGenerationSFT,
    LoadDataFromDicts,
    LoadDataFromFileSystem,
    Row,
    RowRejected,
    Step,
    TextGeneration,
)
from tests.tasks.conftest import RecordingLLM


class Counted(Step):
    """Counts the rows that it is given."""

    version: ClassVar = 1
    given: ClassVar[list[Any]] = []

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        self.given.extend(row["id"] for row in inputs)
        yield [made for row in inputs for made in self.make(row)]

    def make(self, row: Row) -> list[Row]:
        """Return what becomes of a row."""
        row["length"] = len(str(row["value"]))
        return [row]


class Filtered(Counted):
    """Drops every third row."""

    version: ClassVar = 1

    def make(self, row: Row) -> list[Row]:
        return [row] if row["id"] % 3 else []


class Expanded(Counted):
    """Makes as many rows as the id says, none to three."""

    version: ClassVar = 1

    def make(self, row: Row) -> list[Row]:
        return [{**row, "copy": number} for number in range(row["id"] % 4)]


class Rejecting(Counted):
    """Rejects every fourth row."""

    version: ClassVar = 1

    def make(self, row: Row) -> list[Row]:
        if row["id"] % 4 == 1:
            raise RowRejected("one too many")
        return [row]


class Nested(Counted):
    """Makes columns of other types."""

    version: ClassVar = 1

    def make(self, row: Row) -> list[Row]:
        number = row["id"]
        row["chat"] = [{"role": "user", "content": str(number)}] * (number % 3)
        row["day"] = date(2026, 1, 1 + number % 28)
        row["fields"] = {"a": number, "b": None if number % 2 else [1.5, number]}
        return [row]


class Parsed(Counted):
    """Makes a column of whatever type the JSON of the row has."""

    version: ClassVar = 1

    def make(self, row: Row) -> list[Row]:
        row["found"] = loads(row["value"])
        return [row]


class Picky(TextGeneration):
    """Rejects replies about what is forbidden."""

    version: ClassVar = 1

    def format_output(self, output: str | None, input: Row) -> Row:
        if "7" in (output or "").split(" ")[0]:
            raise RowRejected("a seven")
        return super().format_output(output, input)


class Odd(TextGeneration):
    """Makes a number, and for some rows none."""

    version: ClassVar = 1
    outputs: ClassVar = {"generation": pl.Int64}

    def format_output(self, output: str | None, input: Row) -> Row:
        if input["id"] == 9:
            raise RowRejected("it is nine")
        return {"generation": "none" if input["id"] == 2 else input["id"]}


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    Counted.given.clear()


def rows(count: int) -> list[Row]:
    """Return source rows with the key `id`."""
    return [{"id": number, "value": f"{number} things"} for number in range(count)]


def edited(data: list[Row]) -> list[Row]:
    """Edit a row, drop one, put one in the middle and one at the end."""
    changed = {**data[5], "value": "other things"}
    added = [{"id": 1_000 + n, "value": "more"} for n in range(2)]
    return [*data[:5], changed, added[0], *data[6:17], *data[18:], added[1]]


def pipeline(
    data: list[Row], *steps: Step, key_columns: tuple[str, ...] | None = ("id",)
) -> Pipeline:
    """Return a pipeline of one step after the other."""
    made = Pipeline("remembered")
    last: Step = LoadDataFromDicts(name="load", data=data, key_columns=key_columns)
    made.add(last)
    for step in steps:
        made.add(step)
        made.connect(last, step)
        last = step
    return made


def ask(**parameters: Any) -> TextGeneration:
    """Return a step that asks about the value."""
    given: dict[str, Any] = {"template": "{{ value }}", "columns": "value", "llm": RecordingLLM()}
    return TextGeneration(name="ask", **{**given, **parameters})


def ran(
    graph: Pipeline, *, remembering: bool, size: int = 8, gateway: Gateway | None = None
) -> OfflineRun:
    """Run a pipeline over partitions of a size, with or without what was made before."""
    workspace = Workspace(home())
    with Run(graph, workspace, gateway or default_gateway(), rows_per_partition=size) as run:
        if remembering:
            record = read_record(graph.name, workspace)
            run.memory.add(record.pieces, record.datasets)
        done = run_offline(run)
    return done


def remember(graph: Pipeline, size: int = 8, gateway: Gateway | None = None) -> OfflineRun:
    """Run a pipeline and leave the record of it."""
    done = ran(graph, remembering=False, size=size, gateway=gateway)
    write_record(graph, done.pieces, done.run.datasets, done.run.workspace)
    return done


def told(done: OfflineRun) -> dict[str, list[Any]]:
    """Return all that a run made: the digests of its files, and its books."""
    return {name: [as_made(part) for part in parts] for name, parts in done.made.items()}


def as_made(part: Partition) -> Partition:
    """Return a partition without the rounding of sums of money."""
    return replace(part, accounts=replace(part.accounts, cost_usd=round(part.accounts.cost_usd, 9)))


_STEPS: dict[str, list[Step]] = {
    "columns": [Counted(name="count")],
    "a filter": [Filtered(name="filter"), Counted(name="count")],
    "more rows": [Expanded(name="expand"), Counted(name="count")],
    "rejections": [Rejecting(name="reject"), Counted(name="count")],
    "nested columns": [Nested(name="nest")],
    "frames": [
        ask(),
        FormatTextGenerationSFT(name="chats", input_mappings={"instruction": "value"}),
    ],
    "a model": [ask()],
    "two generations": [ask(num_generations=2)],
    "grouped generations": [ask(num_generations=2, group_generations=True)],
    "rejections of a model": [
        Picky(name="ask", llm=RecordingLLM(), template="{{ value }}", columns="value")
    ],
    "replies of another type": [
        Odd(name="ask", llm=RecordingLLM(), template="{{ value }}", columns="value")
    ],
    "two steps with a model": [
        ask(output_mappings={"generation": "first"}),
        TextGeneration(name="more", llm=RecordingLLM(), template="{{ first }}", columns="first"),
    ],
}


@pytest.mark.parametrize("steps", _STEPS.values(), ids=_STEPS.keys())
@pytest.mark.parametrize(
    "change", [edited, lambda data: data[::-1], lambda data: data], ids=["edited", "turned", "same"]
)
def test_what_is_recalled_is_what_would_be_made(steps: list[Step], change: Any) -> None:
    remember(pipeline(rows(30), *steps))
    then = pipeline(change(rows(30)), *steps)
    assert told(ran(then, remembering=True)) == told(ran(then, remembering=False))


def test_rows_that_lie_in_other_partitions_now_are_recalled() -> None:
    step = Counted(name="count")
    remember(pipeline(rows(30), step), size=7)
    Counted.given.clear()
    again = ran(pipeline(rows(30), step), remembering=True, size=11)
    assert Counted.given == []
    assert told(again) == told(ran(pipeline(rows(30), step), remembering=False, size=11))


def test_only_what_changed_is_made() -> None:
    steps = (Counted(name="count"), Filtered(name="filter"), Rejecting(name="reject"))
    remember(pipeline(rows(30), *steps))
    Counted.given.clear()
    ran(pipeline(edited(rows(30)), *steps), remembering=True)
    assert sorted(set(Counted.given)) == [5, 1_000, 1_001]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param("text", "other", id="another text"),
        pytest.param(1, 1.0, id="another type"),
        pytest.param(None, "text", id="no longer null"),
        pytest.param([1, 2], [2, 1], id="another order"),
        pytest.param([[1], [2]], [[1, 2]], id="other lists"),
        pytest.param({"a": 1, "b": 2}, {"a": 2, "b": 1}, id="other fields"),
        pytest.param(Decimal("1.1"), Decimal("1.2"), id="another decimal"),
        pytest.param(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC), id="time"),
        pytest.param(b"a", b"b", id="other bytes"),
        pytest.param(False, True, id="truth"),
    ],
)
def test_a_row_whose_content_changed_is_made_again(first: Any, then: Any) -> None:
    data = [{"id": number, "value": first} for number in range(3)]
    step = Counted(name="count")
    remember(pipeline(data, step))
    Counted.given.clear()
    changed = [{"id": number, "value": then} for number in range(3)]
    ran(pipeline(changed, step), remembering=True)
    assert Counted.given == [0, 1, 2]


def test_rows_of_categories_are_known_by_their_words() -> None:
    step = Counted(name="count")

    def coloured(name: str, colours: list[str]) -> Pipeline:
        file = home().parent / name
        column = pl.Series("value", colours, dtype=pl.Categorical)
        pl.DataFrame({"id": range(len(colours))}).with_columns(column).write_parquet(file)
        made = Pipeline("remembered")
        load = LoadDataFromFileSystem(name="load", data_files=str(file), key_columns=("id",))
        made.add(load)
        made.add(step)
        made.connect(load, step)
        return made

    remember(coloured("one.parquet", ["red", "blue", "green"]))
    Counted.given.clear()
    ran(coloured("two.parquet", ["red", "green", "green", "blue"]), remembering=True)
    assert Counted.given == [1, 3]


def test_columns_in_another_order_are_made_anew_in_that_order() -> None:
    step = Counted(name="count")
    remember(pipeline(rows(3), step))
    turned = [{"value": row["value"], "id": row["id"]} for row in rows(3)]
    done = ran(pipeline(turned, step), remembering=True)
    frame = done.run.workspace.read(done.made["count"][0])
    assert frame.columns[:3] == ["value", "id", "length"]
    assert told(done) == told(ran(pipeline(turned, step), remembering=False))


def test_a_partition_whose_files_are_gone_is_made_again() -> None:
    step = Counted(name="count")
    first = remember(pipeline(rows(20), step), size=10)
    first.run.workspace.path(first.made["count"][1].digest).unlink()
    Counted.given.clear()
    again = ran(pipeline(rows(20), step), remembering=True, size=20)
    assert Counted.given == list(range(10, 20))
    assert told(again) == told(ran(pipeline(rows(20), step), remembering=False, size=20))


def test_a_row_that_was_left_unanswered_is_asked_about_again() -> None:
    gateway = Gateway(default_gateway().store, retries=RetryPolicy(attempts=1, patience=0))
    failing = RecordingLLM(troubles={"3 things": ServerFailed("down")})
    first = remember(pipeline(rows(6), ask(llm=failing)), gateway=gateway)
    assert first.made["ask"][0].unanswered == 1
    mended = RecordingLLM()
    again = ran(pipeline(rows(6), ask(llm=mended)), remembering=True)
    assert [chat[-1]["content"] for chat in mended.sent] == ["3 things"]
    assert told(again) == told(ran(pipeline(rows(6), ask()), remembering=False))


def test_a_step_that_does_something_else_remembers_nothing() -> None:
    remember(pipeline(rows(6), ask()))
    other = RecordingLLM()
    ran(pipeline(rows(6), ask(llm=other, template="Say {{ value }}")), remembering=True)
    assert len(other.sent) == 6


def test_a_step_without_cache_makes_all_rows() -> None:
    step = Counted(name="count", use_cache=False)
    remember(pipeline(rows(4), step))
    Counted.given.clear()
    ran(pipeline(rows(4), step), remembering=True)
    assert Counted.given == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([1, 2, 3, 4], [1, 2, 3, 2.5], id="wider numbers"),
        pytest.param([1, 2, 3, 4], [1, 2, 3, "text"], id="a text among numbers"),
        pytest.param([1, 2, 3, 4], [1, 2, 3, True], id="a truth among numbers"),
        pytest.param([1, None, 3, 4], [None, None, None, "text"], id="a text among nulls"),
        pytest.param([{"a": 1}] * 4, [{"a": 1}] * 3 + [{"b": 1}], id="another field"),
    ],
)
def test_rows_of_types_that_differ_are_made_together(before: list[Any], after: list[Any]) -> None:
    def texts(values: list[Any]) -> list[Row]:
        return [{"id": 2 * n + 1, "value": dumps(value)} for n, value in enumerate(values)]

    step = Parsed(name="parse")
    remember(pipeline(texts(before), step))
    then = pipeline(texts(after), step)
    assert told(ran(then, remembering=True)) == told(ran(then, remembering=False))
