"""CLAIR: a revision and its reason, under any of the headers that models use."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from llms import Gateway
from llms.chat import text_content
from llms.errors import RowRejected
from tasks import Row
from tasks.feedback.clair import CLAIR
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {"task": "Add {{ 2 }} and 2.", "student_solution": "It is 5,\nI think."}
REPLY = "[Teacher Reasoning]\nOff by one.\n\n[Corrected Student Solution]\nIt is 4."
MADE = {"revision": "It is 4.", "rational": "Off by one."}


def task(reply: str = REPLY, **parameters: Any) -> CLAIR:
    llm = RecordingLLM(replies=(reply,))
    return CLAIR(llm=llm, **{"corrections": 0, **parameters})


def test_by_hand_a_solution_gets_a_revision_and_its_reason() -> None:
    (made,) = task().process([ROW])
    assert {name: made[0][name] for name in MADE} == MADE


def test_in_a_pipeline_rows_keep_their_keys_and_columns_their_types(gateway: Gateway) -> None:
    outcome = applied(task(), [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["revision"] == outcome.frame.schema["rational"] == pl.String


@pytest.mark.parametrize("structured", [False, True], ids=["text", "json"])
def test_the_prompt_has_the_task_and_the_solution_as_they_are(structured: bool) -> None:
    step = task(use_default_structured_output=structured, system_prompt="Be kind.")
    system, user = step.format_input(ROW)
    prompt = text_content(user)
    assert ROW["task"] in prompt
    assert ROW["student_solution"] in prompt
    assert system["content"] == "Be kind."
    assert ("JSON" in prompt, "[Corrected" in prompt) == (structured, not structured)


@pytest.mark.parametrize(
    "header",
    [
        "**Corrected Student Solution:**",
        "{corrected_student_solution}:",
        "{corrected_student_solution}",
        "**Worsened Student Solution:**",
        "{worsened_student_solution}:",
        "{worsened_student_solution}",
        "[Corrected Student Solution]",
        "## Corrected Student Solution",
        "**{corrected_student_solution}**:",
        "corrected student solution:",
    ],
)
@pytest.mark.parametrize(
    "reasoning",
    ["", "{teacher_reasoning}:", "**Teacher Reasoning:**", "### Reasoning\n", "Sure!\n[Reasoning]"],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_spelling_of_the_headers_is_read(header: str, reasoning: str, newline: str) -> None:
    reply = f"{reasoning} Off by one.\n\n{header} It is 4.\n"
    if header.startswith("##"):
        reply = reply.replace(f"{header} ", f"{header}\n")
    assert task().format_output(reply.replace("\n", newline), ROW) == MADE


def test_a_header_named_inside_a_sentence_parts_nothing() -> None:
    reply = (
        "{teacher_reasoning}: The {corrected_student_solution} should say 4.\n\n"
        "{corrected_student_solution}: It is 4, as the {teacher_reasoning} says."
    )
    assert task().format_output(reply, ROW) == {
        "rational": "The {corrected_student_solution} should say 4.",
        "revision": "It is 4, as the {teacher_reasoning} says.",
    }


@pytest.mark.parametrize(
    "reply",
    [json.dumps(MADE), f"Here:\n```json\n{json.dumps({**MADE, 'note': 'x'})}\n```"],
    ids=["plain", "in prose, with more"],
)
def test_json_gives_the_same(gateway: Gateway, reply: str) -> None:
    assert task().format_output(reply, ROW) == MADE
    step = task(reply, use_default_structured_output=True)
    assert len(rows_after(applied(step, [ROW], gateway))) == ("note" not in reply)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't.", "no section 'Corrected Student Solution'", id="refusal"),
        pytest.param(REPLY[:40], "no section 'Corrected Student Solution'", id="cut off"),
        pytest.param(REPLY[: -len("It is 4.")], "the revision in the reply is empty", id="empty"),
        pytest.param("[Corrected Student Solution] 4", "the rational .* is empty", id="no reason"),
        pytest.param(
            f"{REPLY}\n[Corrected Student Solution]\nIt is 3.",
            "'Corrected Student Solution' 2 times",
            id="two revisions",
        ),
        pytest.param(
            REPLY.replace("It is 4.", "It is 5, I  think."),
            "the student's solution without a change",
            id="no change",
        ),
        pytest.param('{"revision": "It is 4."}', "'rational' is a required", id="json without"),
        pytest.param(
            '{"revision": " ", "rational": "a"}', "the revision .* is empty", id="json empty"
        ),
    ],
)
def test_a_reply_without_a_revision_and_a_reason_is_a_rejection_never_two_nulls(
    gateway: Gateway, reply: str, reason: str
) -> None:
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    with pytest.raises(RowRejected, match=reason):
        raise RowRejected(rejection.reason)


def test_a_teacher_that_forgot_the_revision_is_asked_for_it(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"no section 'Corrected": REPLY}, replies=("It is off by one.",))
    (row,) = rows_after(applied(CLAIR(llm=llm), [ROW], gateway))
    assert row["revision"] == "It is 4."


@pytest.mark.parametrize("column", ["task", "student_solution"])
def test_a_row_that_lacks_a_text_is_rejected_and_the_others_are_not(
    gateway: Gateway, column: str
) -> None:
    outcome = applied(task(), [{**ROW, column: None}, ROW], gateway)
    assert [row["revision"] for row in rows_after(outcome)] == ["It is 4."]
    assert outcome.rejections[0].reason == f"the column {column!r} is null"
