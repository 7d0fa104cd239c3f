"""EmbeddingTaskGenerator: lists of tasks, or a row for each, from any list a model writes."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

from llms import Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, StepContext
from tasks.outcome import Outcome
from tasks.retrieval.embedding_task_generator import EmbeddingTaskGenerator
from tests.tasks.conftest import RecordingLLM, keys_of, rows_after

TASKS = ["Given a symptom, find its causes.", "Match a {{ line }} with another."]
REPLY = json.dumps({"tasks": TASKS})
CATEGORIES = get_args(EmbeddingTaskGenerator.model_fields["category"].annotation)


def task(reply: str = REPLY, **parameters: Any) -> EmbeddingTaskGenerator:
    llm = parameters.pop("llm", None) or RecordingLLM(replies=(reply,))
    defaults = {"category": "text-retrieval", "corrections": 0, "name": "invent"}
    return EmbeddingTaskGenerator(llm=llm, **{**defaults, **parameters})


def outcome_of(step: EmbeddingTaskGenerator, gateway: Gateway) -> Outcome:
    return step.apply(pl.concat(list(step.keyed_frames())), StepContext(gateway))


def test_by_hand_each_row_is_a_list_of_tasks() -> None:
    (batch,) = task(num_rows=2).process()
    assert [row["tasks"] for row in batch[0]] == [TASKS, TASKS]


def test_by_hand_each_row_is_a_task_where_they_are_taken_apart() -> None:
    (batch,) = task(flatten_tasks=True).process()
    assert [row["task"] for row in batch[0]] == TASKS


def test_rows_taken_apart_have_keys_of_their_own_and_the_books_balance(gateway: Gateway) -> None:
    step = task(flatten_tasks=True, num_rows=3, num_generations=2)
    outcome = outcome_of(step, gateway)
    assert outcome.frame.height == 3 * 2 * len(TASKS)
    assert len(set(keys_of(outcome.frame))) == outcome.frame.height
    numbers = pl.concat(list(step.keyed_frames()))["_row_key"].to_list()
    books = outcome.accounts(numbers)
    assert books.rows_in + books.expanded == books.rows_out
    assert books.requests == 6
    assert outcome.frame.schema["task"] == pl.String
    metadata = rows_after(outcome)[1]["distilabel_metadata"]
    assert metadata["raw_output_invent"] == REPLY
    assert metadata["statistics_invent"]["requests"] == 1


def test_more_rows_leave_the_tasks_there_are_as_they_are(gateway: Gateway) -> None:
    few = outcome_of(task(flatten_tasks=True, num_rows=2), gateway)
    llm = RecordingLLM(replies=(REPLY,))
    many = outcome_of(task(flatten_tasks=True, num_rows=5, llm=llm), gateway)
    assert keys_of(many.frame)[: few.frame.height] == keys_of(few.frame)
    assert len(llm.sent) == 3


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_a_prompt_of_its_own(category: str) -> None:
    step = task(category=category)
    row = {"category": category, "subject": "chess"}
    prompt = text_content(step.format_input(row)[0])
    assert "chess" in prompt
    assert {"text-matching-short": "short", "text-matching-long": "long"}.get(
        category, ""
    ) in prompt
    others = [other for other in CATEGORIES if other != category]
    assert all(
        text_content(step.format_input({**row, "category": other})[0]) != prompt for other in others
    )


def test_each_row_asks_for_another_subject(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=(REPLY,))
    outcome_of(task(llm=llm, num_rows=20), gateway)
    assert len({text_content(chat[0]) for chat in llm.sent}) > 10


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(REPLY, id="object"),
        pytest.param(f"Sure:\n```json\n{REPLY}\n```\nMore?", id="object in prose"),
        pytest.param(json.dumps(TASKS, indent=2), id="list"),
        pytest.param(f"```python\ntasks = {TASKS!r}\n```", id="python"),
        pytest.param("1. {}\r\n2. {}".format(*TASKS), id="numbered, CRLF"),
        pytest.param("Here are two:\n\n- {}\n- {}\n\nEnjoy!".format(*TASKS), id="bullets"),
        pytest.param("[1] {}\n[2] {}".format(*TASKS), id="numbers in brackets"),
        pytest.param(
            json.dumps({"tasks": [*TASKS, "", TASKS[0].upper()]}), id="doubles and blanks"
        ),
    ],
)
@pytest.mark.parametrize("flat", [False, True], ids=["lists", "rows"])
def test_any_list_is_read(gateway: Gateway, reply: str, flat: bool) -> None:
    rows = rows_after(outcome_of(task(reply, flatten_tasks=flat), gateway))
    assert (TASKS if flat else [TASKS]) == [row["task" if flat else "tasks"] for row in rows]


def test_python_is_never_run(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    for reply in (f"open({str(trap)!r}, 'w')", f"['a', open({str(trap)!r}, 'w')]"):
        with suppress(RowRejected):
            task().format_output(reply, {})
    assert not trap.exists()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I'm sorry.\nI can't do that.", "the reply has no items", id="refusal"),
        pytest.param('{"tasks": ["Given a', "ends before the JSON object is complete", id="cut"),
        pytest.param('["Given a symptom, fi', "the reply has no items", id="cut list"),
        pytest.param('{"tasks": []}', "the reply lists no tasks", id="no task"),
        pytest.param('{"tasks": [1, 2]}', "1 is not of type 'string'", id="no texts"),
    ],
)
@pytest.mark.parametrize("flat", [False, True], ids=["lists", "rows"])
def test_a_reply_without_a_list_is_a_rejection_never_the_raw_text(
    gateway: Gateway, reply: str, reason: str, flat: bool
) -> None:
    outcome = outcome_of(task(reply, flatten_tasks=flat), gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.raw_reply == reply


def test_the_columns_are_known_before_a_run() -> None:
    for flat, column, kind in ((False, "tasks", pl.List(pl.String)), (True, "task", pl.String)):
        with Graph("g") as graph:
            task(flatten_tasks=flat)
        columns = graph.validate()["invent"] or {}
        assert columns[column] == kind
    with pytest.raises(ConfigurationError, match="parameter 'category'"):
        task(category="text")
