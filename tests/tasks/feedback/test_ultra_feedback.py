"""UltraFeedback: one rating for each generation, in five aspects, or a rejection."""

from __future__ import annotations

import json
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, LoadDataFromDicts, UltraFeedback
from tasks.feedback.ultra_feedback import Aspect
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: dict[str, Any] = {"instruction": "Say hi.", "generations": ["Hi!", "Go\n\naway {{ x }}"]}
REPLY = "#### Text 1\nRationale: Kind.\nRating: 5\n\n#### Text 2\nRationale: Rude.\nRating: 1"
TYPED_REPLY = (
    "#### Text 1\nType: None\nRationale: Clean.\nRationale for rating: Kind.\nRating: 5\n\n"
    "#### Text 2\nType: 2\nRationale: Off.\nRationale for rating: Rude.\nRating: 1"
)
ASPECTS = get_args(Aspect)
TYPED = ("helpfulness", "truthfulness")


def task(reply: str = REPLY, **parameters: Any) -> UltraFeedback:
    return UltraFeedback(llm=RecordingLLM(replies=(reply,)), **parameters)


def test_by_hand_each_generation_gets_a_rating_and_a_rationale() -> None:
    (made,) = task().process([ROW])
    assert made[0]["ratings"] == [5, 1]
    assert made[0]["rationales"] == ["Kind.", "Rude."]
    assert made[0]["generations"] == ROW["generations"]


def test_in_a_pipeline_rows_keep_their_keys_and_columns_their_types(gateway: Gateway) -> None:
    outcome = applied(task(), [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["ratings"] == pl.List(pl.Int64)
    assert outcome.frame.schema["rationales"] == pl.List(pl.String)


def test_the_aspects_are_those_of_the_paper_and_an_overall_one() -> None:
    assert set(ASPECTS) == {
        "helpfulness",
        "honesty",
        "instruction-following",
        "truthfulness",
        "overall-rating",
    }
    with pytest.raises(ConfigurationError, match="parameter 'aspect'"):
        task(aspect="beauty")


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("structured", [False, True], ids=["text", "json"])
def test_every_aspect_has_a_prompt_with_all_texts(aspect: str, structured: bool) -> None:
    step = task(aspect=aspect, use_default_structured_output=structured)
    ((turn),) = step.format_input(ROW)
    prompt = turn["content"]
    for text in (ROW["instruction"], *ROW["generations"]):
        assert text in prompt
    for rating in range(1, 6):
        assert f"\n{rating} - " in prompt
    assert ("JSON" in prompt) is structured
    assert ("#### Text 2" in prompt) is not structured


def test_every_aspect_has_a_rubric_of_its_own() -> None:
    prompts = {task(aspect=aspect).format_input(ROW)[0]["content"] for aspect in ASPECTS}
    assert len(prompts) == len(ASPECTS)


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_columns_of_every_aspect_are_the_declared_ones(gateway: Gateway, aspect: str) -> None:
    typed = aspect in TYPED
    step = task(TYPED_REPLY if typed else REPLY, aspect=aspect)
    (row,) = rows_after(applied(step, [ROW], gateway))
    made = {name: row[name] for name in step.outputs}
    if typed:
        assert made == {
            "types": [None, 2],
            "rationales": ["Clean.", "Off."],
            "ratings": [5, 1],
            "rationales-for-ratings": ["Kind.", "Rude."],
        }
    else:
        assert made == {"ratings": [5, 1], "rationales": ["Kind.", "Rude."]}


@pytest.mark.parametrize("aspect", ASPECTS)
def test_structured_output_gives_the_same_columns_as_text(gateway: Gateway, aspect: str) -> None:
    items: list[dict[str, Any]] = [{"rationale": "a", "rating": 5}, {"rationale": "b", "rating": 1}]
    if aspect in TYPED:
        items = [{**item, "type": 1, "rationale_for_rating": "c"} for item in items]
    step = task(
        json.dumps({"assessments": items}), aspect=aspect, use_default_structured_output=True
    )
    (row,) = rows_after(applied(step, [ROW], gateway))
    assert row["ratings"] == [5, 1]
    assert row["rationales"] == ["a", "b"]
    if aspect in TYPED:
        assert (row["types"], row["rationales-for-ratings"]) == ([1, 1], ["c", "c"])


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_schema_is_strict_and_asks_for_as_many_items_as_generations(aspect: str) -> None:
    schema = task(aspect=aspect).response_schema({**ROW, "generations": ["a", "b", "c"]})
    items = schema["properties"]["assessments"]
    assert (items["minItems"], items["maxItems"]) == (3, 3)
    for level in (schema, items["items"]):
        assert level["additionalProperties"] is False
        assert level["required"] == list(level["properties"])
    fields = items["items"]["properties"]
    assert list(fields)[-1] == "rating"
    assert fields["rationale"]["maxLength"] == 400
    assert fields["rating"] == {"type": "integer", "enum": [1, 2, 3, 4, 5]}


def test_the_reply_is_asked_for_as_json_where_the_provider_enforces_schemas() -> None:
    assert not task().structured
    assert UltraFeedback(llm=OpenAILLM(model="gpt", api_key=SecretStr("none"))).structured


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't rate that.", "no section for text 1 of 2", id="refusal"),
        pytest.param(REPLY[:60], "text 2 has no rationale", id="cut off"),
        pytest.param(REPLY.replace("5", "N/A"), "the rating of text 1 is 'N/A'", id="not a number"),
    ],
)
def test_a_reply_that_lacks_a_rating_is_a_rejection_never_a_null_or_a_shorter_list(
    gateway: Gateway, reply: str, reason: str
) -> None:
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.raw_reply == reply


def test_a_judge_that_left_a_rating_out_is_shown_what_was_missing(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"text 2 has no rating": REPLY}, replies=(REPLY[:-10],))
    (row,) = rows_after(applied(UltraFeedback(llm=llm), [ROW], gateway))
    assert row["ratings"] == [5, 1]
    assert len(llm.sent) == 2


def test_a_rationale_of_several_paragraphs_shifts_nothing(gateway: Gateway) -> None:
    reply = REPLY.replace("Kind.", "Kind.\n\nVery kind.\n\nText 2 is not.")
    (row,) = rows_after(applied(task(reply), [ROW], gateway))
    assert row["ratings"] == [5, 1]
    assert row["rationales"] == ["Kind.\n\nVery kind.\n\nText 2 is not.", "Rude."]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param({"generations": []}, "holds no list with one text or more", id="no texts"),
        pytest.param({"generations": None}, "holds no list", id="null"),
        pytest.param({"generations": "Hi"}, "holds no list", id="one text"),
        pytest.param({"generations": ["Hi", None]}, "generation 2 is null", id="null text"),
        pytest.param({"instruction": ""}, "the column 'instruction' is empty", id="instruction"),
    ],
)
def test_a_row_that_cannot_be_judged_is_rejected_before_a_call(
    row: dict[str, Any], reason: str
) -> None:
    step = task(use_default_structured_output=True)
    with pytest.raises(RowRejected, match=reason):
        step.format_input({**ROW, **row})


def test_rows_may_have_different_numbers_of_generations(gateway: Gateway) -> None:
    one = {**ROW, "generations": ["Hi!"]}
    llm = RecordingLLM(rules={"Hi![^!]*Go": REPLY}, replies=("Rating: 3\nRationale: Fine.",))
    outcome = applied(UltraFeedback(llm=llm), [ROW, one], gateway)
    assert [row["ratings"] for row in rows_after(outcome)] == [[5, 1], [3]]


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(
            aspect="truthfulness", output_mappings={"rationales-for-ratings": "why"}
        )
    columns = graph.validate()["ultra_feedback_0"] or {}
    assert columns["types"] == pl.List(pl.Int64)
    assert columns["why"] == pl.List(pl.String)
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"instruction": "x", "generations": "y"}]) >> task()
    with pytest.raises(ConfigurationError, match="needs the column 'generations'"):
        graph.validate()
