"""SelfInstruct: as many different instructions as were asked for, without their numbers."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest

from llms import Gateway, ScriptedLLM
from llms.chat import text_content
from llms.errors import RowRejected
from llms.model import Supports
from tasks.generation.self_instruct import SelfInstruct
from tests.tasks.conftest import RecordingLLM, applied, rows_after

ROW = {"input": "The Aare bends around Bern."}
MADE = ["Name a river.", "Why do rivers bend?", "Draw up a walk."]


class Enforcing(ScriptedLLM):
    """A model whose provider enforces schemas."""

    provider: ClassVar = "scripted-enforcing"
    supports: ClassVar = Supports(structured_output=True)


def task(reply: str = "", **parameters: Any) -> SelfInstruct:
    llm = ScriptedLLM(replies=(reply,))
    return SelfInstruct(**{"llm": llm, "num_instructions": 3, "corrections": 0, **parameters})


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("1. {}\n2. {}\n3. {}", id="numbered"),
        pytest.param("1) {}\r\n\r\n2) {}\r\n\r\n3) {}\r\n", id="CRLF"),
        pytest.param("\u0661. {}\n\u0662. {}\n\u0663. {}", id="Unicode digits"),
        pytest.param("[1] {}\n[2] {}\n[3] {}", id="in brackets"),
        pytest.param("- {}\n- {}\n- {}", id="bullets"),
        pytest.param("{}\n{}\n{}", id="plain lines"),
        pytest.param("Here are three:\n\n**1.** {}\n**2.** {}\n**3.** {}\n\nEnjoy!", id="prose"),
        pytest.param("```\n1. {}\n2. {}\n3. {}\n```", id="fenced"),
        pytest.param('["{}", "{}", "{}"]', id="a bare list"),
    ],
)
def test_numbering_and_whatever_else_stands_around_is_removed(reply: str) -> None:
    assert task().format_output(reply.format(*MADE), ROW) == {"instructions": MADE}


def test_a_json_object_is_read_too() -> None:
    reply = f"Sure: ```json\n{json.dumps({'instructions': [*MADE, 'One more.']})}\n```"
    assert task().format_output(reply, ROW) == {"instructions": MADE}


def test_of_more_than_asked_for_the_first_are_kept() -> None:
    reply = "\n".join(f"{number}. {text}" for number, text in enumerate([*MADE, "More."], 1))
    assert task().format_output(reply, ROW)["instructions"] == MADE


def test_duplicates_count_once() -> None:
    reply = "1. Name a river.\n2. NAME  a river.\n3. Why do rivers bend?\n4. Draw up a walk."
    assert task().format_output(reply, ROW)["instructions"] == MADE


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I cannot do that.", "1 different instructions, and 3 were", id="refusal"),
        pytest.param("1. Name a river.\n2. Why do", "2 different instructions, and 3", id="cut"),
        pytest.param("1. A?\n2. a?\n3. A? ", "1 different instructions, and 3", id="repeated"),
        pytest.param('["A?", "", " "]', "1 different instructions, and 3", id="empty items"),
        pytest.param('{"instructions": ["A?", 2, "B?"]}', "no JSON object", id="not texts"),
        pytest.param('{"instructions": ["A?", "B', "no JSON object", id="broken JSON"),
    ],
)
def test_fewer_than_asked_for_is_a_rejection_and_never_an_empty_list(
    reply: str, reason: str, gateway: Gateway
) -> None:
    with pytest.raises(RowRejected, match=reason):
        task().format_output(reply, ROW)
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    assert outcome.rejections[0].raw_reply == reply


def test_fewer_than_asked_for_is_asked_for_again(gateway: Gateway) -> None:
    again = "1. Name a river.\n2. Why do rivers bend?\n3. Draw up a walk."
    llm = RecordingLLM(rules={"2 different instructions": again}, replies=("1. A?\n2. B?",))
    (row,) = rows_after(applied(task(llm=llm, corrections=1), [ROW], gateway))
    assert row["instructions"] == MADE
    assert len(llm.sent) == 2


def test_the_prompt_has_text_number_criteria_and_application() -> None:
    asked = task(
        application_description="A guide to Bern", criteria_for_query_generation="All rhyme."
    ).format_input(ROW)
    text = text_content(asked[0])
    for part in (ROW["input"], "3 different", "A guide to Bern", "All rhyme.", "3. <instruction>"):
        assert part in text


def test_where_schemas_are_enforced_the_count_is_part_of_the_schema(gateway: Gateway) -> None:
    llm = Enforcing(replies=(json.dumps({"instructions": MADE}),))
    made = task(llm=llm)
    assert made.structured
    assert made.response_schema(ROW)["properties"]["instructions"]["minItems"] == 3
    assert "numbered list" not in text_content(made.format_input(ROW)[0])
    assert rows_after(applied(made, [ROW], gateway))[0]["instructions"] == MADE


@pytest.mark.parametrize("text", [None, " "], ids=["null", "blank"])
def test_a_row_without_a_text_is_a_rejection(text: str | None) -> None:
    with pytest.raises(RowRejected, match="the column 'input' is"):
        task().format_input({"input": text})
