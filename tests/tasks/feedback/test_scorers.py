"""Complexity and quality: one score from 1 to 6 for each text, in its place, or a rejection."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, LoadDataFromDicts, Row
from tasks.feedback.complexity_scorer import ComplexityScorer
from tasks.feedback.quality_scorer import QualityScorer
from tasks.feedback.scorer import Scorer
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

TEXTS = ["Say {{ hi }}.", "Two\n\nparagraphs. Score: 1"]
ROWS: dict[type[Scorer], Row] = {
    ComplexityScorer: {"instructions": TEXTS},
    QualityScorer: {"instruction": "Greet me.", "responses": TEXTS},
}
REPLY = "[1] Score: 2\n[2] Score: 6"

both = pytest.mark.parametrize("scorer", ROWS, ids=lambda cls: cls.__name__)


def task(scorer: type[Scorer], reply: str = REPLY, **parameters: Any) -> Scorer:
    return scorer(llm=RecordingLLM(replies=(reply,)), **{"corrections": 0, **parameters})


def rejection_of(scorer: type[Scorer], reply: str, gateway: Gateway, **parameters: Any) -> str:
    outcome = applied(task(scorer, reply, **parameters), [ROWS[scorer]], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert rejection.raw_reply == reply
    return rejection.reason


@both
def test_by_hand_each_text_gets_a_score(scorer: type[Scorer]) -> None:
    (made,) = task(scorer).process([ROWS[scorer]])
    assert made[0]["scores"] == [2.0, 6.0]


@both
def test_in_a_pipeline_rows_keep_their_keys_and_scores_are_real_numbers(
    gateway: Gateway, scorer: type[Scorer]
) -> None:
    outcome = applied(task(scorer), [ROWS[scorer]], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROWS[scorer]]))
    assert outcome.frame.schema["scores"] == pl.List(pl.Float64)


@both
@pytest.mark.parametrize("structured", [False, True], ids=["text", "json"])
def test_the_prompt_has_every_text_as_it_is_and_the_whole_scale(
    scorer: type[Scorer], structured: bool
) -> None:
    step = task(scorer, use_default_structured_output=structured)
    ((turn,)) = step.format_input(ROWS[scorer])
    prompt = text_content(turn)
    for text in (*TEXTS, ROWS[scorer].get("instruction", "")):
        assert text in prompt
    for score in range(1, 7):
        assert f"\n{score} - " in prompt
    assert ("JSON" in prompt) is structured
    assert ("\n[2] Score: <" in prompt) is not structured


@both
def test_the_scale_does_not_grow_with_the_number_of_texts(scorer: type[Scorer]) -> None:
    step = task(scorer)
    for count in (1, 2, 9):
        row = {**ROWS[scorer], scorer.scored: ["a"] * count}
        scores = step.response_schema(row)["properties"]["scores"]
        assert scores["items"] == {"type": "integer", "enum": [1, 2, 3, 4, 5, 6]}
        assert (scores["minItems"], scores["maxItems"]) == (count, count)


@both
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("Here are my scores, 2 in all:\n\n[1] Score: 2\n[2] Score: 6", id="preamble"),
        pytest.param("[2] Score: 6\n[1] Score: 2", id="another order"),
        pytest.param("```\n[1] Score: 2\n[2] Score: 6\n```", id="fenced"),
        pytest.param("[1] Score: 2\r\n\r\n[2] Score: 6\r\n", id="CRLF and blank lines"),
        pytest.param("**[1] Score:** 2/6\n**[2] Score:** 6/6\n\nDone.", id="marked, of six"),
        pytest.param("1. Score: \u0662\n2. Score: \uff16", id="digits of other scripts"),
        pytest.param("<think>[1] Score: 5</think>[1] Score: 2\n[2] Score: 6", id="reasoning"),
        pytest.param('{"scores": [2, 6]}', id="json"),
        pytest.param('Sure:\n```json\n{"scores": [2, 6.0]}\n```', id="json in prose"),
    ],
)
@pytest.mark.parametrize("structured", [False, True], ids=["asked in words", "asked for json"])
def test_scores_go_to_their_texts_whatever_stands_around_them(
    gateway: Gateway, scorer: type[Scorer], reply: str, structured: bool
) -> None:
    step = task(scorer, use_default_structured_output=structured)
    assert step.format_output(reply, ROWS[scorer]) == {"scores": [2.0, 6.0]}
    if "{" in reply:
        (row,) = rows_after(applied(task(scorer, reply), [ROWS[scorer]], gateway))
        assert row["scores"] == [2.0, 6.0]


@both
@pytest.mark.parametrize("reply", ["[1] Score: 3.5\n[2] Score: 1", '{"scores": [3.5, 1]}'])
def test_a_fraction_is_not_cut_to_its_first_digit(scorer: type[Scorer], reply: str) -> None:
    assert task(scorer).format_output(reply, ROWS[scorer]) == {"scores": [3.5, 1.0]}


@both
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I won't rate these.", "no score for text 1 of 2", id="refusal"),
        pytest.param("[1] Score: 2", "no score for text 2 of 2", id="fewer lines"),
        pytest.param("[1] Score: 2\n[2] Sco", "no score for text 2 of 2", id="cut off"),
        pytest.param(f"{REPLY}\n[3] Score: 1", "a score for text 3", id="more lines"),
        pytest.param(
            "[1] Score: 10\n[2] Score: 1",
            "the score of text 1 is '10', not a number from 1 to 6",
            id="ten is not one",
        ),
        pytest.param("[1] Score: 0\n[2] Score: 1", "not a number from 1 to 6", id="zero"),
        pytest.param("[1] Score: N/A\n[2] Score: 1", "no score for text 1 of 2", id="no number"),
        pytest.param('{"scores": [2]}', "is too short", id="short list"),
        pytest.param('{"scores": [2, 10]}', "10 is greater than the maximum of 6", id="json ten"),
        pytest.param('{"scores": [2, null]}', "None is not of type 'number'", id="json null"),
        pytest.param('{"scores": [2,', "ends before the JSON", id="json cut off"),
    ],
)
def test_a_score_that_is_missing_or_off_the_scale_is_a_rejection_never_a_shorter_list(
    gateway: Gateway, scorer: type[Scorer], reply: str, reason: str
) -> None:
    assert reason in rejection_of(scorer, reply, gateway)


@both
def test_a_judge_that_forgot_a_text_is_shown_which(gateway: Gateway, scorer: type[Scorer]) -> None:
    llm = RecordingLLM(rules={"no score for text 2": REPLY}, replies=("[1] Score: 2",))
    (row,) = rows_after(applied(scorer(llm=llm), [ROWS[scorer]], gateway))
    assert row["scores"] == [2.0, 6.0]


@both
def test_json_is_asked_for_where_the_provider_enforces_it(scorer: type[Scorer]) -> None:
    assert not task(scorer).structured
    assert scorer(llm=OpenAILLM(model="gpt", api_key=SecretStr("none"))).structured


@both
def test_asked_for_json_the_model_is_told_the_schema(
    gateway: Gateway, scorer: type[Scorer]
) -> None:
    reply = json.dumps({"scores": [1, 6]})
    step = task(scorer, reply, use_default_structured_output=True)
    (row,) = rows_after(applied(step, [ROWS[scorer]], gateway))
    assert row["scores"] == [1.0, 6.0]


@both
@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        pytest.param([], "holds no list with one text or more", id="none"),
        pytest.param(None, "holds no list with one text or more", id="null"),
        pytest.param("text", "holds no list with one text or more", id="text"),
        pytest.param(["a", None], " 2 is null", id="a null"),
        pytest.param(["a", " "], " 2 is empty", id="a blank"),
    ],
)
def test_a_row_without_texts_is_rejected_before_a_call(
    gateway: Gateway, scorer: type[Scorer], texts: Any, reason: str
) -> None:
    for structured in (False, True):
        step = task(scorer, use_default_structured_output=structured)
        with pytest.raises(RowRejected, match=reason):
            step.format_input({**ROWS[scorer], scorer.scored: texts})
    if not isinstance(texts, str):
        llm = RecordingLLM(replies=(REPLY,))
        rows = [{**ROWS[scorer], scorer.scored: texts}, ROWS[scorer]]
        outcome = applied(scorer(llm=llm, use_default_structured_output=None), rows, gateway)
        assert [row["scores"] for row in rows_after(outcome)] == [[2.0, 6.0]]
        assert len(outcome.rejections) == len(llm.sent) == 1


def test_a_quality_without_an_instruction_is_rejected() -> None:
    with pytest.raises(RowRejected, match="the column 'instruction' is null"):
        task(QualityScorer).format_input({"responses": ["a"], "instruction": None})


@both
def test_every_generation_is_a_judgement_of_its_own(gateway: Gateway, scorer: type[Scorer]) -> None:
    llm = RecordingLLM(replies=(REPLY, "[1] Score: 1\n[2] Score: 1"))
    step = scorer(llm=llm, num_generations=4, group_generations=True)
    (row,) = rows_after(applied(step, [ROWS[scorer]], gateway))
    assert len(row["scores"]) == 4 == len(llm.sent)
    assert {tuple(scores) for scores in row["scores"]} <= {(2.0, 6.0), (1.0, 1.0)}


@both
def test_the_check_before_a_run_knows_the_columns(scorer: type[Scorer]) -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROWS[scorer]]) >> task(scorer, name="judge")
    assert (graph.validate()["judge"] or {})["scores"] == pl.List(pl.Float64)
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"text": "x"}]) >> task(scorer)
    with pytest.raises(ConfigurationError, match="needs the column"):
        graph.validate()
