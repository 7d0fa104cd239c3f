"""StructuredGeneration: each row's own schema or regular expression reaches the model and holds."""

from __future__ import annotations

import json
import re
from typing import Any, ClassVar

import pytest
from pydantic import PrivateAttr

from llms import ChatRequest, Gateway, LlamaCppLLM, ScriptedLLM
from llms.chat import text_content
from llms.errors import RowRejected
from llms.model import Supports
from tasks import Row
from tasks.generation.asked_form import in_full
from tasks.generation.structured_generation import StructuredGeneration
from tests.tasks.conftest import RecordingLLM, applied, rows_after

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
PLACE = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
ADA = '{"name": "Ada", "age": 36}'


class Enforcing(ScriptedLLM):
    """A model whose provider enforces schemas; it keeps the schemas that it got."""

    provider: ClassVar = "scripted-enforcing-rows"
    supports: ClassVar = Supports(structured_output=True)
    _schemas: list[Any] = PrivateAttr(default_factory=list)

    @property
    def schemas(self) -> list[Any]:
        """The schemas that came with the requests, in order."""
        return self._schemas

    def reply(self, request: ChatRequest, seed: int) -> str:
        self._schemas.append(request.response_schema)
        return super().reply(request, seed)


def task(llm: Any = None, **parameters: Any) -> StructuredGeneration:
    return StructuredGeneration(
        **{"llm": llm or ScriptedLLM(replies=(ADA,)), "corrections": 0, **parameters}
    )


def asking(schema: Any, format: str = "json", instruction: str = "Invent one.") -> Row:
    return {"instruction": instruction, "structured_output": {"format": format, "schema": schema}}


# JSON


@pytest.mark.parametrize(
    "reply",
    [
        ADA,
        f"```json\n{ADA}\n```",
        f"Here you are:\n{ADA}\nGood luck!",
        ADA.replace(", ", ",\r\n"),
        "{'name': 'Ada', 'age': 36,}",
        f"<think>Who?</think>{ADA}",
    ],
    ids=["clean", "fenced", "prose", "CRLF", "slightly broken", "reasoning"],
)
def test_the_generation_is_the_text_of_a_json_object(reply: str, gateway: Gateway) -> None:
    (row,) = rows_after(applied(task(ScriptedLLM(replies=(reply,))), [asking(PERSON)], gateway))
    assert isinstance(row["generation"], str)
    assert json.loads(row["generation"]) == {"name": "Ada", "age": 36}


def test_each_row_hands_the_model_its_own_schema(gateway: Gateway) -> None:
    rules = {"person": ADA, "place": '{"place": "Bern"}'}
    llm = Enforcing(rules=rules)
    rows = [
        asking(PERSON, instruction="Invent a person."),
        asking(PLACE, instruction="Invent a place."),
    ]
    made = rows_after(applied(task(llm), rows, gateway))
    assert [json.loads(row["generation"]) for row in made] == [
        {"name": "Ada", "age": 36},
        {"place": "Bern"},
    ]
    assert llm.schemas == [PERSON, PLACE]


def test_schemas_may_be_json_text_beside_regular_expressions(gateway: Gateway) -> None:
    llm = ScriptedLLM(rules={"year": "1999", "person": ADA})
    rows = [
        asking(json.dumps(PERSON), instruction="Invent a person."),
        asking(r"\d{4}", "regex", instruction="Invent a year."),
    ]
    whole: list[Row] = [
        {**rows[0], "structured_output": json.dumps({"format": "json", "schema": PERSON})}
    ]
    made = rows_after(applied(task(llm), rows, gateway))
    assert [row["generation"] for row in made] == [ADA, "1999"]
    assert rows_after(applied(task(llm), whole, gateway))[0]["generation"] == ADA


def test_a_reply_that_leaves_the_schema_is_asked_for_again_and_then_a_rejection(
    gateway: Gateway,
) -> None:
    mended = RecordingLLM(rules={"cannot be used": ADA}, replies=('{"name": "Ada"}',))
    (row,) = rows_after(applied(task(mended), [asking(PERSON)], gateway))
    assert row["generation"] == ADA
    never = ScriptedLLM(replies=("I can't do that.",))
    outcome = applied(task(never), [asking(PERSON)], gateway)
    assert rows_after(outcome) == []
    assert "does not follow the schema" in outcome.rejections[0].reason
    assert outcome.rejections[0].raw_reply == "I can't do that."


@pytest.mark.parametrize("reply", ["", '{"name": "Ada", "a'], ids=["empty", "cut"])
def test_no_object_is_a_rejection(reply: str, gateway: Gateway) -> None:
    outcome = applied(task(ScriptedLLM(replies=(reply,))), [asking(PERSON)], gateway)
    assert rows_after(outcome) == []
    assert len(outcome.rejections) == 1


# Regular expressions


@pytest.mark.parametrize(
    "reply",
    ["031-5550", "`031-5550`", "```\n031-5550\n```", "031-5550\r\n"],
    ids=["clean", "in marks", "fenced", "CRLF"],
)
def test_a_reply_that_matches_as_a_whole_is_the_generation(reply: str, gateway: Gateway) -> None:
    regex = "`?[0-9]{3}-[0-9]{4}`?"
    (row,) = rows_after(
        applied(task(ScriptedLLM(replies=(reply,))), [asking(regex, "regex")], gateway)
    )
    assert row["generation"].strip("`") == "031-5550"
    assert re.fullmatch(regex, row["generation"])


def test_a_model_that_enforces_no_schemas_is_told_the_expression_and_asked_again(
    gateway: Gateway,
) -> None:
    llm = RecordingLLM(rules={"does not match": "031-5550"}, replies=("It is 031-5550.",))
    row = asking("[0-9]{3}-[0-9]{4}", "regex")
    (made,) = rows_after(applied(task(llm, corrections=1), [row], gateway))
    assert made["generation"] == "031-5550"
    assert "[0-9]{3}-[0-9]{4}" in text_content(llm.sent[0][-1])


@pytest.mark.parametrize("reply", ["It is 031-5550.", "031-555", "", "I can't."])
def test_a_reply_that_does_not_match_is_a_rejection(reply: str, gateway: Gateway) -> None:
    row = asking("[0-9]{3}-[0-9]{4}", "regex")
    outcome = applied(task(ScriptedLLM(replies=(reply,))), [row], gateway)
    assert rows_after(outcome) == []
    assert re.search("does not match '.*' as a whole|is empty", outcome.rejections[0].reason)


def test_a_model_that_enforces_schemas_is_held_to_the_expression(gateway: Gateway) -> None:
    llm = Enforcing(replies=('{"text": "031-5550"}',))
    (row,) = rows_after(applied(task(llm), [asking(r"\d{3}-\d{4}", "regex")], gateway))
    assert row["generation"] == "031-5550"
    (schema,) = llm.schemas
    assert schema["properties"] == {
        "text": {"type": "string", "pattern": "^(?:[0-9]{3}-[0-9]{4})$"}
    }


@pytest.mark.parametrize(
    ("regex", "written"),
    [
        (r"\d+", "[0-9]+"),
        (r"[\d.]+\s\w", r"[0-9.]+[ \t\n][A-Za-z0-9_]"),
        (r"\\d\.", r"\\d\."),
        (r"[]\\d]", r"[]\\d]"),
        (r"[^\s]x", r"[^ \t\n]x"),
        ("(?:a|b)", "(?:a|b)"),
    ],
)
def test_shorthands_are_written_out_and_nothing_else(regex: str, written: str) -> None:
    assert in_full(regex) == written
    for text in ("3.4 x", "1", "d.", "\\d.", "dx", "\\", "a"):
        assert bool(re.fullmatch(written, text)) == bool(re.fullmatch(regex, text))


def test_the_embedded_model_is_held_to_an_expression(gateway: Gateway) -> None:
    llm = LlamaCppLLM(
        n_ctx=256,
        n_threads=1,
        max_concurrent_requests=1,
        generation_kwargs={"max_new_tokens": 40},  # type: ignore[arg-type]  # made by pydantic
    )
    row = asking(r"0\d\d-\d{4}", "regex", "Give a telephone number.")
    (made,) = rows_after(applied(task(llm), [row], gateway))
    assert re.fullmatch(r"0\d\d-\d{4}", made["generation"])


# What a row may ask for


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (None, "the column 'structured_output' is null"),
        ({"format": "json"}, "has not both 'format' and 'schema'"),
        ("no JSON", "the column 'structured_output' is text, but not JSON"),
        ({"format": "xml", "schema": "a"}, "the format 'xml' is neither 'json' nor 'regex'"),
        ({"format": "json", "schema": {"type": "objct"}}, "schema cannot be used: .* no valid"),
        ({"format": "json", "schema": {"type": "array"}}, "must describe an object"),
        ({"format": "json", "schema": "{"}, "the schema is text, but not JSON"),
        ({"format": "json", "schema": 3}, "the schema cannot be used"),
        ({"format": "regex", "schema": "(a"}, "the regular expression is not valid"),
        ({"format": "regex", "schema": {"type": "object"}}, "is a dict, not text"),
        ({"format": "regex", "schema": " "}, "the regular expression is empty"),
    ],
    ids=str,
)
def test_an_invalid_form_is_a_rejection_before_any_call(
    asked: Any, reason: str, gateway: Gateway
) -> None:
    llm = RecordingLLM()
    row = {"instruction": "Invent one.", "structured_output": asked}
    outcome = applied(task(llm), [row], gateway)
    assert rows_after(outcome) == []
    assert re.search(reason, outcome.rejections[0].reason)
    assert llm.sent == []


def test_a_bad_form_harms_no_neighbour(gateway: Gateway) -> None:
    rows = [asking("{", "json"), asking(json.dumps(PERSON))]
    outcome = applied(task(), rows, gateway)
    assert [row["generation"] for row in rows_after(outcome)] == [ADA]
    assert len(outcome.rejections) == 1


def test_a_system_prompt_is_used_where_it_is_asked_for() -> None:
    row = {**asking(PERSON), "system_prompt": "You invent."}
    assert [turn["role"] for turn in task().format_input(row)] == ["user"]
    made = task(use_system_prompt=True)
    assert made.inputs["system_prompt"] is False
    assert [turn["role"] for turn in made.format_input(row)] == ["system", "user"]


def test_a_row_without_an_instruction_is_a_rejection() -> None:
    with pytest.raises(RowRejected, match="the column 'instruction' is null"):
        task().format_input({**asking(PERSON), "instruction": None})
