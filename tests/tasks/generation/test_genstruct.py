"""Genstruct: both sides of an exchange, found under one marker or two."""

from __future__ import annotations

import json

import pytest

from llms import Gateway, ScriptedLLM
from llms.chat import text_content
from llms.errors import RowRejected
from tasks.generation.genstruct import Genstruct
from tests.tasks.conftest import applied, rows_after

ROW = {"title": "Pint", "content": "A pint is 568 ml."}
MADE = {"user": "How much are two pints?", "assistant": "Two times 568 ml,\nso 1136 ml."}


def task(reply: str = "") -> Genstruct:
    return Genstruct(llm=ScriptedLLM(replies=(reply,)), corrections=0)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("[[[User]]] {user}\n[[[Assistant]]] {assistant}", id="both markers"),
        pytest.param(" {user}\n[[[Assistant]]] {assistant}", id="the single marker of the model"),
        pytest.param("{user} [[[Assistant]]] {assistant}", id="marker inside a line"),
        pytest.param("[[[User]]] {user} [[[Assistant]]] {assistant}", id="all in one line"),
        pytest.param("Sure!\n\n[[[User]]]\n{user}\n\n[[[Assistant]]]\n{assistant}", id="prose"),
        pytest.param("**User:** {user}\n\n**Assistant:** {assistant}", id="bold labels"),
        pytest.param("## User\n{user}\n## Assistant\n{assistant}", id="headings"),
        pytest.param("```\n[[[User]]] {user}\n[[[Assistant]]] {assistant}\n```", id="fenced"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_both_sides_are_found(reply: str, newline: str) -> None:
    said = reply.format(**MADE).replace("\n", newline)
    assert task().format_output(said, ROW) == MADE


def test_a_json_object_is_read_too() -> None:
    assert task().format_output(json.dumps(MADE), ROW) == MADE
    assert task().response_schema(ROW)["required"] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't help with that.", "no section 'Assistant'", id="refusal, no marker"),
        pytest.param("[[[User]]] How much", "no section 'Assistant'", id="cut"),
        pytest.param("[[[User]]] A?\n[[[Assistant]]]", "the assistant .* is empty", id="cut later"),
        pytest.param("[[[Assistant]]] B.", "the user in the reply is empty", id="no user"),
        pytest.param(
            "[[[User]]] A?\n[[[Assistant]]] B.\n[[[User]]] C?", "'User' 2 times", id="goes on"
        ),
    ],
)
def test_a_reply_without_both_sides_is_a_rejection_and_not_two_nulls(
    reply: str, reason: str, gateway: Gateway
) -> None:
    with pytest.raises(RowRejected, match=reason):
        task().format_output(reply, ROW)
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    assert outcome.rejections[0].raw_reply == reply


def test_the_prompt_has_title_and_content_under_the_markers_of_the_model() -> None:
    (turn,) = task().format_input(ROW)
    assert text_content(turn).startswith("[[[Title]]] Pint\n[[[Content]]] A pint is 568 ml.\n")
    assert "[[[User]]]" in text_content(turn)


@pytest.mark.parametrize("column", ["title", "content"])
def test_a_row_without_title_or_content_is_a_rejection(column: str) -> None:
    with pytest.raises(RowRejected, match=f"the column '{column}' is null"):
        task().format_input({**ROW, column: None})
