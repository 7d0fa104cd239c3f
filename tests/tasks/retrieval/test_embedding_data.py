"""Texts for embedding models: whole, different from each other, and shaped by draws of the row."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import GeneratorTask, Graph, LoadDataFromDicts, Row, StepContext
from tasks.choices import random_for
from tasks.retrieval.bitext_retrieval_generator import BitextRetrievalGenerator
from tasks.retrieval.embedding_data import EmbeddingData
from tasks.retrieval.generate_long_text_matching_data import GenerateLongTextMatchingData
from tasks.retrieval.generate_short_text_matching_data import GenerateShortTextMatchingData
from tasks.retrieval.generate_text_classification_data import GenerateTextClassificationData
from tasks.retrieval.generate_text_retrieval_data import GenerateTextRetrievalData
from tasks.retrieval.monolingual_triplet_generator import MonolingualTripletGenerator
from tests.tasks.conftest import RecordingLLM, applied, rows_after

COLUMNS: dict[type[EmbeddingData], tuple[str, ...]] = {
    GenerateTextRetrievalData: ("user_query", "positive_document", "hard_negative_document"),
    GenerateShortTextMatchingData: ("input", "positive_document"),
    GenerateLongTextMatchingData: ("input", "positive_document"),
    GenerateTextClassificationData: ("input_text", "label", "misleading_label"),
    MonolingualTripletGenerator: ("S1", "S2", "S3"),
    BitextRetrievalGenerator: ("S1", "S2", "S3"),
}
WITH_TASK = [cls for cls in COLUMNS if not issubclass(cls, GeneratorTask)]
WITHOUT = [cls for cls in COLUMNS if issubclass(cls, GeneratorTask)]
ROW: Row = {"task": "Given {{ a }} symptom, find its causes."}

all_of_them = pytest.mark.parametrize("cls", COLUMNS, ids=lambda cls: cls.__name__)


def texts(cls: type[EmbeddingData]) -> dict[str, str]:
    """Return what a good reply holds."""
    return {name: f'The {name} says "{{hi}}"\nand \\ more.' for name in COLUMNS[cls]}


def task(cls: type[EmbeddingData], reply: str | None = None, **parameters: Any) -> EmbeddingData:
    llm = parameters.pop("llm", None) or RecordingLLM(replies=(reply or json.dumps(texts(cls)),))
    needed = {"target_language": "Thai"} if cls is BitextRetrievalGenerator else {}
    return cls(llm=llm, **{**needed, "corrections": 0, **parameters})


def made(step: EmbeddingData, gateway: Gateway, rows: int = 1) -> list[Row]:
    """Return the rows that a task makes of some rows, or a generator of as many numbers."""
    return rows_after(outcome_of(step, gateway, rows))


def outcome_of(step: EmbeddingData, gateway: Gateway, rows: int = 1) -> Any:
    if isinstance(step, GeneratorTask):
        frame = pl.concat(list(step.model_copy(update={"num_rows": rows}).keyed_frames()))
        return step.apply(frame, StepContext(gateway))
    return applied(step, [{"task": f"{ROW['task']} {number}"} for number in range(rows)], gateway)


def prompts(cls: type[EmbeddingData], gateway: Gateway, rows: int, **parameters: Any) -> list[str]:
    """Return the prompts sent for some rows, without the task and its number."""
    llm = RecordingLLM(replies=(json.dumps(texts(cls)),))
    made(task(cls, llm=llm, **parameters), gateway, rows)
    sent = {text_content(chat[-1]) for chat in llm.sent}
    return [prompt.replace(ROW["task"], "") for prompt in sent]


@all_of_them
@pytest.mark.parametrize("structured", [None, True], ids=["in words", "by schema"])
def test_a_reply_gives_the_declared_columns(
    gateway: Gateway, cls: type[EmbeddingData], structured: bool | None
) -> None:
    outcome = outcome_of(task(cls, use_default_structured_output=structured), gateway)
    (row,) = rows_after(outcome)
    assert {name: row[name] for name in COLUMNS[cls]} == texts(cls)
    assert all(outcome.frame.schema[name] == pl.String for name in COLUMNS[cls])


@pytest.mark.parametrize("cls", WITH_TASK, ids=lambda cls: cls.__name__)
def test_by_hand_a_task_gets_its_texts(cls: type[EmbeddingData]) -> None:
    (rows,) = task(cls).process([ROW])
    assert {name: rows[0][name] for name in COLUMNS[cls]} == texts(cls)
    assert rows[0]["task"] == ROW["task"]


@pytest.mark.parametrize("cls", WITHOUT, ids=lambda cls: cls.__name__)
def test_by_hand_a_generator_makes_as_many_rows_as_asked_for(cls: type[EmbeddingData]) -> None:
    step = task(cls, num_rows=3)
    assert isinstance(step, GeneratorTask)
    ((rows, is_last),) = step.process()
    assert [row["S1"] for row in rows] == [texts(cls)["S1"]] * 3
    assert is_last


@all_of_them
def test_the_prompt_names_every_text_and_what_is_set(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    languages = {name: "Klingon" for name in cls.parameters if name.endswith("language")}
    given = {"difficulty": "high school"} if "difficulty" in cls.parameters else {}
    llm = RecordingLLM(replies=(json.dumps(texts(cls)),))
    made(task(cls, llm=llm, **languages, **given), gateway)
    prompt = text_content(llm.sent[0][-1])
    assert all(f'"{name}"' in prompt for name in COLUMNS[cls])
    for text in ("Klingon", "JSON", *given.values()):
        assert text in prompt
    assert ("{{ a }}" in prompt) is (cls in WITH_TASK)


@all_of_them
@pytest.mark.parametrize(
    "dress",
    [
        pytest.param("Here it is:\n```json\n{}\n```\nDone.", id="fenced, in prose"),
        pytest.param("<think>{{}}</think>\r\n{}\r\n", id="reasoning, CRLF"),
        pytest.param("[{}]", id="in a list"),
    ],
)
def test_what_stands_around_the_object_is_left_out(cls: type[EmbeddingData], dress: str) -> None:
    reply = dress.replace("{}", json.dumps({**texts(cls), "note": "mine"}, indent=2))
    assert task(cls).format_output(reply, ROW) == texts(cls)


@all_of_them
def test_python_is_read_and_never_run(cls: type[EmbeddingData], tmp_path: Path) -> None:
    plain = {name: f"the {name}" for name in COLUMNS[cls]}
    assert task(cls).format_output(str(plain), ROW) == plain
    trap = tmp_path / "ran"
    values = ", ".join(f"'{name}': open({str(trap)!r}, 'w')" for name in COLUMNS[cls])
    for reply in (f"open({str(trap)!r}, 'w')", f"{{{values}}}", f"```json\n{{{values}}}\n```"):
        with suppress(RowRejected):
            task(cls).format_output(reply, ROW)
    assert not trap.exists()


@all_of_them
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "It is empty", id="empty"),
        pytest.param("I can't write that.", "It holds no JSON object", id="refusal"),
        pytest.param("CUT", "ends before the JSON object is complete", id="cut off"),
        pytest.param("LESS", "is a required property", id="a text missing"),
        pytest.param("NULL", "None is not of type 'string'", id="a null"),
        pytest.param("BLANK", "in the reply is empty", id="an empty text"),
    ],
)
def test_a_reply_that_lacks_a_text_is_a_rejection_never_nulls(
    gateway: Gateway, cls: type[EmbeddingData], reply: str, reason: str
) -> None:
    good, last = texts(cls), COLUMNS[cls][-1]
    replies = {
        "CUT": json.dumps(good)[:-9],
        "LESS": json.dumps({name: good[name] for name in COLUMNS[cls][:-1]}),
        "NULL": json.dumps({**good, last: None}),
        "BLANK": json.dumps({**good, last: " "}),
    }
    said = replies.get(reply, reply)
    outcome = outcome_of(task(cls, llm=RecordingLLM(replies=(said,))), gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.raw_reply == said


@all_of_them
def test_two_texts_that_are_the_same_are_a_rejection(cls: type[EmbeddingData]) -> None:
    *_, other, last = COLUMNS[cls]
    reply = json.dumps({**texts(cls), last: "A  tie.", other: "a tie."})
    with pytest.raises(RowRejected, match=f"the {last} in the reply is the same as the {other}"):
        task(cls).format_output(reply, ROW)


@all_of_them
def test_a_writer_that_repeats_itself_is_asked_again(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    same = json.dumps(dict.fromkeys(COLUMNS[cls], "same"))
    llm = RecordingLLM(rules={"is the same as the": json.dumps(texts(cls))}, replies=(same,))
    (row,) = made(task(cls, llm=llm, corrections=1), gateway)
    assert row[COLUMNS[cls][0]] == texts(cls)[COLUMNS[cls][0]]


DRAWING = [cls for cls in COLUMNS if any(len(values) > 1 for values in cls.parameters.values())]


@pytest.mark.parametrize("cls", DRAWING, ids=lambda cls: cls.__name__)
def test_what_is_not_set_is_drawn_for_every_row_and_again_for_a_rerun(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    first = prompts(cls, gateway, 30, name="x")
    assert len(set(first)) > 5
    llm = RecordingLLM(replies=(json.dumps(texts(cls)),))
    made(task(cls, llm=llm, name="x"), gateway, 30)
    assert llm.sent == [], "a rerun sent other prompts"


@pytest.mark.parametrize("cls", DRAWING, ids=lambda cls: cls.__name__)
def test_every_generation_of_a_row_has_a_draw_of_its_own(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    assert len(set(prompts(cls, gateway, 1, num_generations=30))) > 5


@pytest.mark.parametrize("cls", DRAWING, ids=lambda cls: cls.__name__)
def test_another_seed_draws_other_values(gateway: Gateway, cls: type[EmbeddingData]) -> None:
    keys = outcome_of(task(cls), gateway, 20).frame["_row_key"]

    def drawn(seed: int) -> list[Row]:
        return [task(cls, seed=seed).draw(random_for(key, 0)) for key in keys]

    assert drawn(42) == drawn(42) != drawn(43)


@pytest.mark.parametrize("cls", DRAWING, ids=lambda cls: cls.__name__)
def test_a_value_that_is_set_is_not_drawn_and_leaves_the_other_draws_alone(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    free, fixed = task(cls), task(cls, difficulty="college")
    for number in range(20):
        draw, set_draw = free.draw(Random(number)), fixed.draw(Random(number))
        assert set_draw.pop("difficulty") == "college"
        assert draw.pop("difficulty") in cls.parameters["difficulty"]
        assert draw == set_draw


@pytest.mark.parametrize("cls", DRAWING, ids=lambda cls: cls.__name__)
def test_every_value_can_be_set_and_no_other(cls: type[EmbeddingData]) -> None:
    for name, values in cls.parameters.items():
        for value in values if name in cls.model_fields else ():
            assert getattr(task(cls, **{name: value}), name) == value
    with pytest.raises(ConfigurationError, match="parameter 'difficulty'"):
        task(cls, difficulty="kindergarten")


def test_columns_named_like_parameters_do_not_reach_the_prompt(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=(json.dumps(texts(GenerateTextRetrievalData)),))
    rows = [{**ROW, "language": "Klingon", "difficulty": "none"}]
    (row,) = rows_after(applied(task(GenerateTextRetrievalData, llm=llm), rows, gateway))
    assert "Klingon" not in text_content(llm.sent[0][-1])
    assert row["language"] == "Klingon"


@pytest.mark.parametrize("cls", WITH_TASK, ids=lambda cls: cls.__name__)
def test_a_row_without_a_task_is_rejected_and_the_others_are_not(
    gateway: Gateway, cls: type[EmbeddingData]
) -> None:
    outcome = applied(task(cls), [{"task": None}, ROW], gateway)
    assert len(rows_after(outcome)) == 1
    assert outcome.rejections[0].reason == "the column 'task' is null"


def test_the_schema_is_strict_and_asked_for_where_it_is_enforced() -> None:
    llm = OpenAILLM(model="gpt", api_key=SecretStr("none"))
    for cls, names in COLUMNS.items():
        schema = task(cls).response_schema(ROW)
        assert schema["required"] == list(schema["properties"]) == list(names)
        assert schema["additionalProperties"] is False
        assert not task(cls).structured
        assert task(cls, llm=llm).structured


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(GenerateTextRetrievalData, name="data")
    assert (graph.validate()["data"] or {})["user_query"] == pl.String
