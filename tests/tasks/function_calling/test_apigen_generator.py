"""`APIGenGenerator`: whole pairs, of functions that exist, or a rejection."""

from __future__ import annotations

import json
from collections import Counter
from copy import deepcopy
from random import Random
from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts, Row
from tasks.function_calling.apigen_generator import APIGenGenerator
from tests.tasks.conftest import (
    RecordingLLM,
    applied,
    keyed,
    keys_of,
    parents_of,
    rows_after,
)

ROW: Row = {
    "examples": "## Query:\nHow cold is it in Oslo?\n## Answers:\n[]",
    "func_name": "add",
    "func_desc": "add(numbers: list[float]) adds numbers up.",
}
TOOLS = '[{"name": "halve", "parameters": {}}, {"type": "function", "function": {"name": "log"}}]'
CALL = {"name": "add", "arguments": {"numbers": [2, 3]}}
PAIR = {"query": "What is 2 + 3?", "answers": [CALL]}
OTHER = {"query": "Sum up 4 and 5.", "answers": [{**CALL, "arguments": {"numbers": [4, 5]}}]}
REPLY = json.dumps({"pairs": [PAIR]})
WRITTEN = f"## Query:\nWhat is 2 + 3?\n## Answers:\n{json.dumps([CALL])}"


def task(reply: str = REPLY, **parameters: Any) -> APIGenGenerator:
    llm = parameters.pop("llm", None) or RecordingLLM(replies=(reply,))
    return APIGenGenerator(llm=llm, **{"corrections": 0, "name": "generate", **parameters})


def read(reply: str, number: int = 1, **parameters: Any) -> Row:
    """Return the pairs of a reply, as the task reads them."""
    return task(**parameters).format_output(reply, {**ROW, "number": number})


def rejection_of(reply: str, gateway: Gateway, row: Row = ROW, **parameters: Any) -> str:
    outcome = applied(task(reply, **parameters), [row], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    return rejection.reason


def prompt_of(row: Row, number: int = 1, **parameters: Any) -> str:
    *_, turn = task(**parameters).format_input({**row, "number": number})
    content = turn["content"]
    assert isinstance(content, str)
    return content


def test_a_row_gets_a_query_and_its_calls_and_keeps_its_columns_and_key(gateway: Gateway) -> None:
    outcome = applied(task(), [{**ROW, "id": 7}], gateway)

    (row,) = rows_after(outcome)
    assert row["query"] == "What is 2 + 3?"
    assert json.loads(row["answers"]) == [CALL]
    assert {**ROW, "id": 7}.items() <= row.items()
    assert keys_of(outcome.frame) == keys_of(keyed([{**ROW, "id": 7}]))


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(REPLY, id="clean"),
        pytest.param(json.dumps([PAIR]), id="a list"),
        pytest.param(json.dumps(PAIR), id="one pair"),
        pytest.param(f"```\n{REPLY}\n```", id="a bare fence"),
        pytest.param(f"```json\n{json.dumps([PAIR])}\n```", id="a fence that says json"),
        pytest.param(f"Sure, here you [1] go:\n\n```json\n{REPLY}\n```\nEnjoy!", id="prose"),
        pytest.param(f"Here:\n{json.dumps([PAIR])}\nDoes it help?", id="a list in prose"),
        pytest.param(json.dumps({"pairs": [PAIR]}, indent=2).replace("\n", "\r\n"), id="CRLF"),
        pytest.param(REPLY.replace("]}}", "],}}").replace("]}]", "],}]"), id="trailing commas"),
        pytest.param(json.dumps([PAIR]).replace("}}]", "}},]"), id="a comma in a list"),
        pytest.param(f"<think>[{{...}}] hm</think>{REPLY}", id="reasoning"),
        pytest.param(json.dumps([{**PAIR, "answers": json.dumps([CALL])}]), id="calls as text"),
        pytest.param(json.dumps([{**PAIR, "score": 3}]), id="a key that nobody asked for"),
        pytest.param(json.dumps([PAIR, OTHER]), id="more pairs than asked for"),
        pytest.param(WRITTEN, id="in the form of the examples"),
        pytest.param(
            WRITTEN.replace("[{", "```json\n[{").replace("]}}]", "]}}]\n```"), id="fenced"
        ),
        pytest.param(f"**Query:** {WRITTEN[10:]}\n\n{WRITTEN}", id="twice the same"),
    ],
)
def test_a_reply_that_a_person_could_read_is_read(reply: str) -> None:
    found = read(reply)

    assert found["query"] == ["What is 2 + 3?"]
    assert json.loads(found["answers"][0]) == [CALL]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I'm sorry, I can't write that.", "no JSON object", id="refusal"),
        pytest.param("[]", "no JSON object", id="no pairs"),
        pytest.param('{"pairs": []}', "holds no JSON object with a list 'pairs'", id="none"),
        pytest.param(REPLY[:-20], "ends before", id="cut off in an object"),
        pytest.param(json.dumps([PAIR])[:-3], "ends before", id="cut off in a list"),
        pytest.param(
            '[{"query": "q", "answers": [{"name": "add", "arguments": {"numbers": [1, 2], "m',
            "the reply ends before its JSON list is complete",
            id="cut off after a list of its own",
        ),
        pytest.param(json.dumps([PAIR, OTHER])[:-60], "ends before", id="cut off in another pair"),
        pytest.param(WRITTEN[:-5], "the answers of pair 1 is no JSON", id="cut off in its section"),
        pytest.param("## Query:\nWhat is 2 + 3?", "no section 'Answers'", id="no answers"),
        pytest.param(json.dumps([{**PAIR, "query": " "}]), "query of pair 1 is empty", id="blank"),
        pytest.param(json.dumps([{"answers": [CALL]}]), "query of pair 1 is null", id="no query"),
        pytest.param(json.dumps([{**PAIR, "query": 3}]), "is a int, not text", id="a number"),
        pytest.param(json.dumps([{"query": "q"}]), "answers of pair 1 is no list", id="no calls"),
        pytest.param(json.dumps([{**PAIR, "answers": []}]), "hold no call", id="an empty list"),
        pytest.param(
            json.dumps([{**PAIR, "answers": [None]}]), "call 1 of the answers", id="null for a call"
        ),
        pytest.param(
            json.dumps([{**PAIR, "answers": [{"name": "add", "arguments": [2]}]}]),
            "are no object but [2]",
            id="arguments without names",
        ),
    ],
)
def test_a_reply_without_a_whole_pair_is_a_rejection_never_null(
    reply: str, reason: str, gateway: Gateway
) -> None:
    assert reason in rejection_of(reply, gateway)


@pytest.mark.parametrize(
    "value", [2, 2.5, True, None, "2", [1, [2]], {"a": {"b": None}}], ids=lambda v: type(v).__name__
)
def test_arguments_keep_their_json_types(value: object) -> None:
    pair = {**PAIR, "answers": [{"name": "add", "arguments": {"x": value}}]}

    (answers,) = read(json.dumps([pair]))["answers"]

    assert json.loads(answers)[0]["arguments"]["x"] == value
    assert type(json.loads(answers)[0]["arguments"]["x"]) is type(value)


def test_a_call_of_a_function_that_was_not_given_is_a_rejection(gateway: Gateway) -> None:
    reply = json.dumps([{**PAIR, "answers": [CALL, {"name": "halve", "arguments": {}}]}])

    assert "pair 1 calls 'halve', and the functions are: 'add'" in rejection_of(reply, gateway)


@pytest.mark.parametrize(
    "tools",
    [
        pytest.param(TOOLS, id="JSON text"),
        pytest.param(json.loads(TOOLS)[0], id="an object"),
        pytest.param("halve(x) halves a number.\nlog(x)", id="words"),
        pytest.param('["halve", "log"]', id="names"),
    ],
)
def test_calls_of_the_tools_are_allowed_where_tools_are_used(tools: Any, gateway: Gateway) -> None:
    reply = json.dumps([{**PAIR, "answers": [CALL, {"name": "halve", "arguments": {}}]}])
    row = {**ROW, "tools": tools}

    (made,) = rows_after(applied(task(reply), [row], gateway))

    assert [call["name"] for call in json.loads(made["answers"])] == ["add", "halve"]
    assert "calls 'halve'" in rejection_of(reply, gateway, row, use_tools=False)


def test_tools_are_shown_where_they_are_used_and_there() -> None:
    assert TOOLS in prompt_of({**ROW, "tools": TOOLS})
    for prompt in (
        prompt_of({**ROW, "tools": TOOLS}, use_tools=False),
        prompt_of({**ROW, "tools": None}),
        prompt_of(ROW),
    ):
        assert "<tools>" not in prompt


def test_the_prompt_has_all_that_the_row_says_as_it_is() -> None:
    row = {**ROW, "func_desc": "Adds {{ x }} & <y>."}

    prompt = prompt_of(row)

    for text in (row["examples"], row["func_name"], row["func_desc"]):
        assert text in prompt
    assert "Write 1 query" in prompt
    assert "Write 3 queries" in prompt_of(row, number=3)


def test_the_system_prompt_may_be_another_one_or_none() -> None:
    with_own = task(system_prompt="Be brief.").format_input({**ROW, "number": 1})
    without = task(system_prompt=None).format_input({**ROW, "number": 1})

    assert with_own[0] == {"role": "system", "content": "Be brief."}
    assert [turn["role"] for turn in without] == ["user"]


def test_every_pair_becomes_a_row_of_its_own_and_none_is_lost(gateway: Gateway) -> None:
    outcome = applied(task(json.dumps([PAIR, OTHER]), number=2), [ROW], gateway)

    made = rows_after(outcome)
    assert [row["query"] for row in made] == ["What is 2 + 3?", "Sum up 4 and 5."]
    assert len(set(keys_of(outcome.frame))) == 2
    assert set(parents_of(outcome)) == set(keys_of(keyed([ROW])))
    assert outcome.calls.requests == 1


def test_pairs_of_several_generations_are_rows_too_or_lists_of_one_row(gateway: Gateway) -> None:
    replies = (json.dumps([PAIR, OTHER]), json.dumps([OTHER, PAIR]))
    two: dict[str, Any] = {"number": 2, "num_generations": 2, "llm": RecordingLLM(replies=replies)}

    apart = rows_after(applied(task(**two), [ROW], gateway))
    (together,) = rows_after(applied(task(**two, group_generations=True), [ROW], gateway))

    assert Counter(row["query"] for row in apart) == {PAIR["query"]: 2, OTHER["query"]: 2}
    assert together["query"] == [row["query"] for row in apart]


def test_several_generations_each_keep_their_own_answers(gateway: Gateway) -> None:
    replies = (json.dumps([PAIR]), json.dumps([OTHER]))
    step = task(llm=RecordingLLM(replies=replies), num_generations=6)

    for row in rows_after(applied(step, [ROW], gateway)):
        pair = PAIR if row["query"] == PAIR["query"] else OTHER
        assert json.loads(row["answers"]) == pair["answers"]


def test_the_rows_that_go_in_are_not_changed() -> None:
    row = {**ROW, "tools": [{"name": "halve", "description": "Halves."}]}
    before = deepcopy(row)

    next(task().process([row]))

    assert row == before


def test_fewer_pairs_than_asked_for_are_a_rejection(gateway: Gateway) -> None:
    reason = rejection_of(json.dumps([PAIR]), gateway, number=2)

    assert reason == "the reply has 1 different queries, and 2 were asked for"


def test_the_same_query_twice_counts_once(gateway: Gateway) -> None:
    twice = json.dumps([PAIR, {**PAIR, "query": "what is  2 + 3?"}])

    assert "1 different queries" in rejection_of(twice, gateway, number=2)


def test_a_model_that_called_a_function_of_its_own_is_told_and_asked_again(
    gateway: Gateway,
) -> None:
    wrong = json.dumps([{**PAIR, "answers": [{"name": "sum", "arguments": {}}]}])
    llm = RecordingLLM(rules={"pair 1 calls 'sum'": REPLY}, replies=(wrong,))

    (row,) = rows_after(applied(task(llm=llm, corrections=1), [ROW], gateway))

    assert json.loads(row["answers"]) == [CALL]
    assert len(llm.sent) == 2


def test_a_bad_row_harms_no_neighbour(gateway: Gateway) -> None:
    rows = [ROW, {**ROW, "func_name": None}, {**ROW, "examples": " "}, ROW]

    outcome = applied(task(), rows, gateway)

    assert len(rows_after(outcome)) == 2
    assert [rejection.reason for rejection in outcome.rejections] == [
        "the column 'func_name' is null",
        "the column 'examples' is empty",
    ]


def test_the_number_of_pairs_is_drawn_for_each_row_and_the_same_in_every_run() -> None:
    listed, weighted = task(number=[1, 2, 3]), task(number={1: 0.9, 4: 0.1})

    def drawn(step: APIGenGenerator) -> list[int]:
        return [step.draw(Random(f"row {key}"))["number"] for key in range(300)]

    assert drawn(listed) == drawn(listed)
    assert set(drawn(listed)) == {1, 2, 3}
    assert set(drawn(weighted)) == {1, 4}
    assert Counter(drawn(weighted))[1] > 220
    assert set(drawn(task(number=5))) == {5}


def test_as_many_pairs_are_asked_for_as_were_drawn(gateway: Gateway) -> None:
    llm = RecordingLLM(
        rules={"Write 1 query": json.dumps([PAIR]), "Write 2 quer": json.dumps([PAIR, OTHER])}
    )
    rows = [{**ROW, "id": number} for number in range(20)]

    outcome = applied(task(llm=llm, number=[1, 2]), rows, gateway)

    assert not outcome.rejections
    assert 20 < len(rows_after(outcome)) < 40


@pytest.mark.parametrize(
    "number", [0, -1, [], [1, 0], {}, {0: 1.0}, {1: 0.0}, {1: -1.0, 2: 2.0}], ids=str
)
def test_a_number_of_pairs_that_cannot_be_asked_for_is_refused(number: Any) -> None:
    with pytest.raises(ConfigurationError, match="number"):
        task(number=number)


@pytest.mark.parametrize("number", [2, [1, 2], {"1": 0.5, "2": 0.5}], ids=["int", "list", "map"])
def test_a_number_survives_a_pipeline_file(number: Any) -> None:
    step = task(number=number)

    again = task(**step.model_dump(mode="json", include={"number"}))

    assert again.number == step.number


def test_json_is_asked_for_where_the_provider_enforces_it() -> None:
    assert not task().structured
    assert task(llm=OpenAILLM(model="gpt", api_key=SecretStr("none"))).structured


def test_the_schema_asks_for_that_many_pairs_of_known_functions_with_any_arguments() -> None:
    schema = task().response_schema({**ROW, "tools": TOOLS, "number": 2})

    pairs = schema["properties"]["pairs"]
    call = pairs["items"]["properties"]["answers"]["items"]["properties"]
    assert (pairs["minItems"], pairs["maxItems"]) == (2, 2)
    assert call["name"]["enum"] == ["add", "halve", "log"]
    assert call["arguments"] == {"type": "object"}


def test_asked_for_json_the_reply_follows_the_schema(gateway: Gateway) -> None:
    wrong = json.dumps({"pairs": [{**PAIR, "answers": [{"name": "sum", "arguments": {}}]}]})
    structured: dict[str, Any] = {"use_default_structured_output": True}

    (row,) = rows_after(applied(task(f"Sure: {REPLY}", **structured), [ROW], gateway))

    assert json.loads(row["answers"]) == [CALL]
    assert "'sum' is not one of" in rejection_of(wrong, gateway, **structured)


def test_a_row_without_a_function_is_rejected_before_a_call_also_where_json_is_asked_for(
    gateway: Gateway,
) -> None:
    step = task(use_default_structured_output=True)

    outcome = applied(step, [{**ROW, "func_name": None}, ROW], gateway)

    (rejection,) = outcome.rejections
    assert rejection.reason == "the column 'func_name' is null"


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task()
    assert (graph.validate()["generate"] or {})["answers"] == pl.String
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"func_name": "x"}]) >> task()
    with pytest.raises(ConfigurationError, match="needs the column"):
        graph.validate()
