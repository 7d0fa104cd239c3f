"""InstructionBacktranslation: one whole score from 1 to 5, with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llms import Gateway, ScriptedLLM
from llms.chat import text_content
from llms.errors import RowRejected
from tasks.feedback.instruction_backtranslation import InstructionBacktranslation
from tests.tasks.conftest import RecordingLLM, applied, rows_after

ROW = {"instruction": "Name a river.", "generation": "The Aare."}


def task(reply: str = "", **parameters: Any) -> InstructionBacktranslation:
    llm = ScriptedLLM(replies=(reply,))
    return InstructionBacktranslation(**{"llm": llm, "corrections": 0, **parameters})


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("Correct but curt.\nScore: 4", id="as asked"),
        pytest.param("Score: 4\n\nReason: Correct but curt.", id="score first"),
        pytest.param("Correct but curt. Score: 4", id="at the end of a line"),
        pytest.param("**Reasoning:** Correct but curt.\n\n**Score: 4**", id="bold"),
        pytest.param("Correct but curt.\r\nScore: 4/5\r\n", id="CRLF, of five"),
        pytest.param("Correct but curt.\nFinal score: 4 out of 5.", id="in words"),
        pytest.param("Correct but curt.\nRating - <4>", id="in angle brackets"),
        pytest.param("Correct but curt.\nScore\uff1a\uff14", id="Unicode digits"),
        pytest.param("```\nCorrect but curt.\nScore: 4\n```", id="fenced"),
        pytest.param("<think>Score: 1?</think>Correct but curt.\nScore: 4", id="reasoning"),
        pytest.param("Score: 4\nCorrect but curt.\nScore: 4", id="said twice"),
        pytest.param('```json\n{"reason": "Correct but curt.", "score": 4}\n```', id="JSON"),
    ],
)
def test_score_and_reason_are_read(reply: str) -> None:
    made = task().format_output(reply, ROW)
    assert made == {"score": 4, "reason": "Correct but curt."}
    assert isinstance(made["score"], int)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("Good.\nScore: 10", "the score is '10', not a whole", id="10 is not 1"),
        pytest.param("Good.\nScore: 0", "the score is '0', not a whole number", id="below"),
        pytest.param("Good.\nScore: 6", "the score is '6', not a whole number", id="above"),
        pytest.param("Good.\nScore: 4.5", r"the score is '4\.5', not a whole", id="a fraction"),
        pytest.param("Good.\nScore: -3", "the score is '-3', not a whole", id="negative"),
        pytest.param("Good.\nScore: 3-4", "the score is '3-4', not a whole number", id="a range"),
        pytest.param("A.\nScore: 3\nScore: 4", "2 different scores", id="several"),
        pytest.param("It is a good answer.", "the reply has no score", id="none"),
        pytest.param("I can't judge that.", "the reply has no score", id="refusal"),
        pytest.param("It is a good ans", "the reply has no score", id="cut"),
        pytest.param("Score: 4", "the reason in the reply is empty", id="no reason"),
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param('{"reason": "Good.", "score": 10}', "no JSON object", id="JSON off the scale"),
    ],
)
def test_a_reply_without_one_score_from_1_to_5_is_a_rejection(
    reply: str, reason: str, gateway: Gateway
) -> None:
    with pytest.raises(RowRejected, match=reason):
        task().format_output(reply, ROW)
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    assert outcome.rejections[0].raw_reply == reply


def test_a_score_off_the_scale_is_asked_for_again(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"the score is '10'": "Good.\nScore: 5"}, replies=("Score: 10",))
    (row,) = rows_after(applied(task(llm=llm, corrections=1), [ROW], gateway))
    assert (row["score"], row["reason"]) == (5, "Good.")


def test_the_prompt_has_both_texts_and_asks_for_the_form_that_is_read() -> None:
    (turn,) = task().format_input(ROW)
    text = text_content(turn)
    assert ROW["instruction"] in text
    assert ROW["generation"] in text
    assert "Score: <whole number from 1 to 5>" in text
    structured = task(use_default_structured_output=True)
    assert '"score"' in text_content(structured.format_input(ROW)[0])
    schema = structured.response_schema(ROW)
    assert list(schema["properties"]) == ["reason", "score"]
    json.dumps(schema)


@pytest.mark.parametrize("column", ["instruction", "generation"])
def test_a_row_without_one_of_the_texts_is_a_rejection(column: str) -> None:
    with pytest.raises(RowRejected, match=f"the column '{column}' is null"):
        task().format_input({**ROW, column: None})
