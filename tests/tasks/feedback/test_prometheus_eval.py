"""Prometheus: feedback and a result by a rubric, or a rejection that says what is missing."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from llms import Gateway
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Row
from tasks.feedback.prometheus_eval import PrometheusEval
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ONE: Row = {"instruction": "Add {{ 2 }} and 2.", "generation": "It is 4."}
TWO: Row = {"instruction": "Add 2 and 2.", "generations": ["It is 4.", "22"]}
ROWS = {"absolute": ONE, "relative": TWO}
LEVELS = "\n".join(f"Score {number}: level {number}" for number in range(1, 6))


def task(reply: str = "Feedback: Right. [RESULT] 4", **parameters: Any) -> PrometheusEval:
    llm = RecordingLLM(replies=(reply,))
    defaults = {"mode": "absolute", "rubric": "helpfulness", "corrections": 0}
    return PrometheusEval(llm=llm, **{**defaults, **parameters})


def read(reply: str, mode: str = "absolute") -> tuple[str, Any]:
    made = task(mode=mode).format_output(reply, ROWS[mode])
    return made["feedback"], made["result"]


def test_by_hand_a_response_gets_feedback_and_a_score() -> None:
    (made,) = task().process([ONE])
    assert (made[0]["feedback"], made[0]["result"]) == ("Right.", 4)


def test_by_hand_two_responses_get_feedback_and_the_better_one() -> None:
    (made,) = task("Feedback: The first is right. [RESULT] A", mode="relative").process([TWO])
    assert (made[0]["feedback"], made[0]["result"]) == ("The first is right.", "A")


@pytest.mark.parametrize(("mode", "kind"), [("absolute", pl.Int64), ("relative", pl.String)])
def test_in_a_pipeline_rows_keep_their_keys_and_results_their_type(
    gateway: Gateway, mode: str, kind: Any
) -> None:
    reply = "Feedback: So. [RESULT] " + ("4" if mode == "absolute" else "B")
    outcome = applied(task(reply, mode=mode), [ROWS[mode]], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROWS[mode]]))
    assert outcome.frame.schema["result"] == kind


@pytest.mark.parametrize("mode", ["absolute", "relative"])
@pytest.mark.parametrize("reference", [False, True], ids=["alone", "with a reference"])
@pytest.mark.parametrize("structured", [False, True], ids=["text", "json"])
def test_the_prompt_has_all_there_is_to_judge(mode: str, reference: bool, structured: bool) -> None:
    step = task(mode=mode, reference=reference, use_default_structured_output=structured)
    row = {**ROWS[mode], "reference": "Four {% it %} is."}
    system, user = step.format_input(row)
    prompt = text_content(user)
    shown = [row["instruction"], *row.get("generations", [row.get("generation")])]
    assert all(text in prompt for text in shown)
    assert (row["reference"] in prompt) is reference
    assert step.rubrics["helpfulness"] in prompt
    assert ("JSON" in prompt, "[RESULT]" in prompt) == (structured, not structured)
    assert (system["role"], user["role"]) == ("system", "user")


def test_every_rubric_has_criteria_and_five_scores_of_its_own() -> None:
    rubrics = task().rubrics
    assert set(rubrics) == {
        "helpfulness",
        "harmlessness",
        "honesty",
        "factual-validity",
        "reasoning",
    }
    lines = [line for rubric in rubrics.values() for line in rubric.splitlines()]
    assert len(lines) == len(set(lines)) == 30


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("Feedback: Right, but curt. [RESULT] 4", id="as asked"),
        pytest.param("Right, but curt.\n\n[RESULT]\n4", id="without a label"),
        pytest.param("**Feedback:** Right, but curt.\r\n**[RESULT]:** 4\r\n", id="marked, CRLF"),
        pytest.param("### Feedback:\nRight, but curt. [Result] Score: 4/5", id="headed"),
        pytest.param("[Feedback] Right, but curt. [RESULT] (4)", id="in brackets"),
        pytest.param("```\nFeedback: Right, but curt. [RESULT] 4\n```", id="fenced"),
        pytest.param("Feedback: Right, but curt. [RESULT] \uff14", id="a digit of another script"),
        pytest.param("<think>[RESULT] 1</think>Right, but curt. [RESULT] 4.", id="reasoning"),
        pytest.param(
            "Feedback: Right, but curt. [RESULT] 4\n\nTell me if you need more.", id="words behind"
        ),
        pytest.param('{"feedback": "Right, but curt.", "result": 4}', id="json"),
        pytest.param(
            'So:\n```json\n{"feedback": "Right, but curt.", "result": 4}\n```', id="json in prose"
        ),
    ],
)
def test_a_score_may_be_dressed_differently(reply: str) -> None:
    assert read(reply) == ("Right, but curt.", 4)


@pytest.mark.parametrize(
    "result", ["A", "a", "**A**", "Response A", "(A)", "A.", "answer: A\nBecause of this."]
)
def test_a_choice_may_be_dressed_differently(result: str) -> None:
    assert read(f"Feedback: B is wrong. [RESULT] {result}", "relative") == ("B is wrong.", "A")


def test_feedback_may_have_paragraphs_braces_and_the_word_feedback() -> None:
    feedback = "Feedback on tone: none.\n\nIt says {4} where {'a': 4} was asked."
    assert read(f"{feedback} [RESULT] 2") == (feedback, 2)


@pytest.mark.parametrize(
    ("mode", "reply", "reason"),
    [
        pytest.param("absolute", "", "the reply is empty", id="empty"),
        pytest.param("absolute", "I can't judge.", "0 times '[RESULT]', not once", id="refusal"),
        pytest.param("absolute", "Feedback: It is ri", "0 times '[RESULT]'", id="cut off"),
        pytest.param(
            "absolute", "a [RESULT] 4 b [RESULT] 5", "2 times '[RESULT]'", id="two results"
        ),
        pytest.param("absolute", "Feedback: [RESULT] 4", "the feedback .* empty", id="no feedback"),
        pytest.param("absolute", "a [RESULT]", "the result is ''", id="no result"),
        pytest.param("absolute", "a [RESULT] 6", "the result is '6', not a whole", id="six"),
        pytest.param("absolute", "a [RESULT] 3.5", "the result is '3.5'", id="a fraction"),
        pytest.param("absolute", "a [RESULT] 3-4", "the result is '3-4'", id="a range"),
        pytest.param("absolute", "a [RESULT] A", "the result is 'A'", id="a letter"),
        pytest.param("relative", "a [RESULT] 1", "the result is '1', not A or B", id="a number"),
        pytest.param("relative", "a [RESULT] C", "the result is 'C', not A or B", id="C"),
        pytest.param("relative", "a [RESULT] A or B", "not A or B", id="both"),
        pytest.param("relative", "a [RESULT] tie", "the result is 'tie'", id="a tie"),
        pytest.param("absolute", '{"feedback": "a"}', "'result' is a required", id="json without"),
        pytest.param("absolute", '{"feedback": "a", "result": 9}', "9 is not one of", id="json 9"),
    ],
)
def test_a_reply_without_exactly_one_result_is_a_rejection_never_two_nulls(
    gateway: Gateway, mode: str, reply: str, reason: str
) -> None:
    outcome = applied(task(reply, mode=mode), [ROWS[mode]], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    with pytest.raises(RowRejected, match=reason.replace("[", r"\[")):
        raise RowRejected(rejection.reason)
    assert rejection.raw_reply == reply


def test_a_judge_that_forgot_the_result_is_asked_for_it(gateway: Gateway) -> None:
    rules = {"0 times '.RESULT.'": "Right. [RESULT] 5"}
    llm = RecordingLLM(rules=rules, replies=("Right.",))
    step = PrometheusEval(llm=llm, mode="absolute", rubric="honesty")
    (row,) = rows_after(applied(step, [ONE], gateway))
    assert (row["feedback"], row["result"]) == ("Right.", 5)


def test_asked_for_json_the_result_follows_the_schema(gateway: Gateway) -> None:
    reply = json.dumps({"feedback": "First.", "result": "A"})
    step = task(reply, mode="relative", use_default_structured_output=True)
    (row,) = rows_after(applied(step, [TWO], gateway))
    assert row["result"] == "A"
    schema = step.response_schema(TWO)
    assert list(schema["properties"]) == schema["required"] == ["feedback", "result"]
    assert schema["properties"]["result"]["enum"] == ["A", "B"]


@pytest.mark.parametrize(
    ("mode", "row", "reason"),
    [
        ("absolute", {"generation": ["a", "b"]}, "the column 'generation' is a list, not text"),
        ("absolute", {"generation": None}, "the column 'generation' is null"),
        ("relative", {"generations": "ab"}, "holds no list"),
        ("relative", {"generations": ["a"]}, "holds 1 texts, not two"),
        ("relative", {"generations": ["a", "b", "c"]}, "holds 3 texts, not two"),
        ("relative", {"generations": ["a", None]}, "generation 2 is null"),
        ("relative", {"instruction": " "}, "the column 'instruction' is empty"),
        ("relative", {"reference": None}, "the column 'reference' is null"),
    ],
)
def test_a_row_of_the_wrong_type_fails_alone_before_a_call(
    gateway: Gateway, mode: str, row: Row, reason: str
) -> None:
    step = task(mode=mode, reference=True)
    good = {**ROWS[mode], "reference": "4"}
    with pytest.raises(RowRejected, match=reason):
        step.format_input({**good, **row})


def test_the_rows_beside_one_that_cannot_be_judged_are_judged(gateway: Gateway) -> None:
    rows = [TWO, {**TWO, "generations": ["a"]}, {**TWO, "instruction": "Add."}]
    outcome = applied(task("Same. [RESULT] B", mode="relative"), rows, gateway)
    assert [row["result"] for row in rows_after(outcome)] == ["B", "B"]
    assert [rejection.row for rejection in outcome.rejections] == rows[1:2]


@pytest.mark.parametrize(
    "rubric",
    [
        pytest.param("Is it polite?", id="plain text"),
        pytest.param(f"[Is it polite?]\n{LEVELS}", id="the layout"),
        pytest.param(f"\n[Is it polite?]\r\n\r\n{LEVELS.lower()}\n", id="the layout, sloppy"),
        pytest.param(f"Is it polite?\nAnd kind?\n{LEVELS}\nMore on 5.", id="more lines"),
    ],
)
def test_a_rubric_of_ones_own_is_used_as_it_is(rubric: str) -> None:
    step = task(rubric="polite", rubrics={"polite": rubric})
    assert rubric.strip() in text_content(step.format_input(ONE)[1])


@pytest.mark.parametrize(
    "rubric",
    [
        pytest.param(" ", id="empty"),
        pytest.param(LEVELS, id="no criteria"),
        pytest.param("[Polite?]\n" + LEVELS.replace("Score 5", "Mark 5"), id="no fifth score"),
        pytest.param("[Polite?]\n" + LEVELS.replace("Score 2", "Score 3"), id="a score twice"),
        pytest.param("[Polite?]\n" + LEVELS.replace(" level 4", ""), id="a score of no meaning"),
        pytest.param(f"[Polite?]\n{LEVELS}\nScore 6: level 6", id="six scores"),
        pytest.param("[Polite?]\nScore 5: a\nScore 1: b", id="some scores"),
    ],
)
def test_a_rubric_that_cannot_work_is_refused_with_what_it_must_be(rubric: str) -> None:
    with pytest.raises(ConfigurationError, match=r"The rubric 'polite' must say what to look at"):
        task(rubric="polite", rubrics={"polite": rubric})


def test_a_rubric_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match="no rubric 'beauty'; name one of helpfulness, "):
        task(rubric="beauty")
    with pytest.raises(ConfigurationError, match="parameter 'rubrics'"):
        task(rubrics={})
    with pytest.raises(ConfigurationError, match="parameter 'mode'"):
        task(mode="both")
