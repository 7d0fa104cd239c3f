"""`APIGenSemanticChecker`: a verdict with reasons, or a rejection; failed rows cost nothing."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts, Row
from tasks.function_calling.apigen_semantic_checker import APIGenSemanticChecker
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {
    "func_desc": "add(a, b) adds {{ two }} numbers.",
    "query": "What is 2 + 3?",
    "answers": '[{"name": "add", "arguments": {"a": 2, "b": 3}}]',
    "execution_result": ["5", "'six'"],
    "keep_row_after_execution_check": True,
}
FAILED = {**ROW, "execution_result": ["failed: x"], "keep_row_after_execution_check": False}
YES = '{"thought": "The sum is right.", "passes": "yes"}'


def task(reply: str = YES, **parameters: Any) -> APIGenSemanticChecker:
    llm = parameters.pop("llm", None) or RecordingLLM(replies=(reply,))
    return APIGenSemanticChecker(llm=llm, **{"corrections": 0, "name": "judge", **parameters})


def rejection_of(reply: str, gateway: Gateway, row: Row = ROW, **parameters: Any) -> str:
    outcome = applied(task(reply, **parameters), [row], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    return rejection.reason


def test_a_row_gets_a_verdict_with_reasons_and_keeps_its_columns_and_key(gateway: Gateway) -> None:
    outcome = applied(task(), [ROW], gateway)

    (row,) = rows_after(outcome)
    assert row["thought"] == "The sum is right."
    assert row["keep_row_after_semantic_check"] is True
    assert ROW.items() <= row.items()
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))


def test_a_row_whose_calls_failed_is_not_judged_and_costs_nothing(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=(YES,))

    outcome = applied(task(llm=llm), [FAILED, ROW, FAILED], gateway)

    assert len(llm.sent) == 1
    assert outcome.calls.requests == 1
    assert [row["keep_row_after_semantic_check"] for row in rows_after(outcome)] == [
        False,
        True,
        False,
    ]
    assert rows_after(outcome)[0]["thought"] == "Not judged: the calls did not all run."


def test_several_generations_of_a_failed_row_cost_nothing_either(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=(YES,))
    step = task(llm=llm, num_generations=2, group_generations=True)

    (row,) = rows_after(applied(step, [FAILED], gateway))

    assert row["keep_row_after_semantic_check"] == [False, False]
    assert llm.sent == []


def test_a_row_that_does_not_say_whether_its_calls_ran_is_rejected(gateway: Gateway) -> None:
    rows = [{**ROW, "keep_row_after_execution_check": None}, ROW]

    outcome = applied(task(), rows, gateway)

    assert len(rows_after(outcome)) == 1
    (rejection,) = outcome.rejections
    assert rejection.reason == "the column 'keep_row_after_execution_check' is null"


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        pytest.param(YES, True, id="clean"),
        pytest.param(YES.replace("yes", "no"), False, id="no"),
        pytest.param(YES.replace("yes", "No."), False, id="another letter case"),
        pytest.param(YES.replace('"yes"', "true"), True, id="true for yes"),
        pytest.param(YES.replace('"yes"', "False"), False, id="False of Python"),
        pytest.param(f"```\n{YES}\n```", True, id="a bare fence"),
        pytest.param(f"```json\n{YES}\n```", True, id="a fence that says json"),
        pytest.param(f"My verdict:\n\n```json\n{YES}\n```\nDone.", True, id="prose"),
        pytest.param(YES.replace(", ", ",\r\n  "), True, id="CRLF"),
        pytest.param(YES.replace("}", ",}"), True, id="a trailing comma"),
        pytest.param(f"<think>No?</think>{YES}", True, id="reasoning"),
        pytest.param(YES.replace("}", ', "score": 3}'), True, id="a key that nobody asked for"),
        pytest.param("Thought: The sum is right.\nPasses: **yes**", True, id="in words"),
        pytest.param("**Thought:** The sum is right.\r\n\r\n**Verdict:** no", False, id="marked"),
    ],
)
def test_a_reply_that_a_person_could_read_is_read(reply: str, verdict: bool) -> None:
    assert task().format_output(reply, ROW) == {
        "thought": "The sum is right.",
        "keep_row_after_semantic_check": verdict,
    }


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I will not judge this.", "no section 'Thought'", id="refusal"),
        pytest.param("It passes.", "no section 'Thought'", id="no reasons"),
        pytest.param('{"passes": "yes"}', "'thought' is a required property", id="no thought"),
        pytest.param('{"thought": "Fine."}', "'passes' is a required property", id="no verdict"),
        pytest.param('{"thought": " ", "passes": "yes"}', "thought in the reply is empty", id="b"),
        pytest.param(YES[:-2], "ends before the JSON", id="cut off"),
        pytest.param('{"thought": "The sum is', "ends before the JSON", id="cut off early"),
        pytest.param(YES.replace("yes", "maybe"), "'maybe' is none of 'yes'", id="maybe"),
        pytest.param(YES.replace('"yes"', "null"), "the verdict in the reply is null", id="null"),
        pytest.param(YES.replace('"yes"', "1"), "is a int, not text", id="a number"),
        pytest.param(f"{YES}\n{YES.replace('yes', 'no')}", "2 different JSON objects", id="both"),
    ],
)
def test_a_reply_without_a_verdict_is_a_rejection_never_null_or_no(
    reply: str, reason: str, gateway: Gateway
) -> None:
    assert reason in rejection_of(reply, gateway)


def test_a_judge_that_would_not_decide_is_told_and_asked_again(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"'maybe' is none of": YES}, replies=(YES.replace("yes", "maybe"),))

    (row,) = rows_after(applied(task(llm=llm, corrections=1), [ROW], gateway))

    assert row["keep_row_after_semantic_check"] is True
    assert len(llm.sent) == 2


def test_the_prompt_has_all_that_is_judged_as_it_is() -> None:
    *_, turn = task().format_input(ROW)

    for text in (ROW["func_desc"], ROW["query"], ROW["answers"], "1. 5\n2. 'six'"):
        assert text in turn["content"]


def test_results_may_be_a_text_and_there_may_be_no_calls() -> None:
    *_, text = task().format_input({**ROW, "execution_result": "five"})
    *_, none = task().format_input({**ROW, "answers": "[]", "execution_result": []})

    assert "\nfive\n" in text["content"]
    assert "(No call was made.)" in none["content"]


def test_the_system_prompt_may_be_another_one_or_none() -> None:
    own = task(system_prompt="Be kind.").format_input(ROW)
    none = task(system_prompt=None).format_input(ROW)

    assert own[0] == {"role": "system", "content": "Be kind."}
    assert [turn["role"] for turn in none] == ["user"]


@pytest.mark.parametrize("column", ["func_desc", "query", "answers", "execution_result"])
def test_a_row_that_lacks_what_is_judged_is_rejected_before_a_call(
    column: str, gateway: Gateway
) -> None:
    llm = RecordingLLM(replies=(YES,))

    outcome = applied(task(llm=llm), [{**ROW, column: None}, ROW], gateway)

    (rejection,) = outcome.rejections
    assert rejection.reason == f"the column {column!r} is null"
    assert len(llm.sent) == len(rows_after(outcome)) == 1


def test_json_is_asked_for_where_the_provider_enforces_it() -> None:
    assert not task().structured
    assert task(llm=OpenAILLM(model="gpt", api_key=SecretStr("none"))).structured


def test_asked_for_json_the_reply_follows_the_schema(gateway: Gateway) -> None:
    structured: dict[str, Any] = {"use_default_structured_output": True}

    (row,) = rows_after(applied(task(f"Sure: {YES}", **structured), [ROW], gateway))

    assert row["keep_row_after_semantic_check"] is True
    maybe = YES.replace("yes", "maybe")
    assert "'maybe' is not one of" in rejection_of(maybe, gateway, **structured)
    assert json.loads(YES).keys() == task().response_schema(ROW)["properties"].keys()


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task()
    assert (graph.validate()["judge"] or {})["keep_row_after_semantic_check"] == pl.Boolean
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"query": "x"}]) >> task()
    with pytest.raises(ConfigurationError, match="needs the column"):
        graph.validate()
