"""GenerateSentencePair: a positive and a negative that differ from each other and the anchor."""

from __future__ import annotations

import json
from typing import Any, get_args

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Row
from tasks.retrieval.generate_sentence_pair import GenerateSentencePair
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {"anchor": "The {{ sun }} is hot."}
PAIR = "## Positive\nHow hot is the sun?"
TRIPLET = f"{PAIR}\n\n## Negative\nHow hot is a sauna?"
MADE = {"positive": "How hot is the sun?", "negative": "How hot is a sauna?"}
ACTIONS = get_args(GenerateSentencePair.model_fields["action"].annotation)


def task(reply: str = TRIPLET, **parameters: Any) -> GenerateSentencePair:
    llm = RecordingLLM(replies=(reply,))
    defaults = {"action": "query", "triplet": True, "corrections": 0}
    return GenerateSentencePair(llm=llm, **{**defaults, **parameters})


def prompt_of(**parameters: Any) -> str:
    return text_content(task(**parameters).format_input(ROW)[-1])


def test_by_hand_an_anchor_gets_a_positive_and_a_negative() -> None:
    (made,) = task().process([ROW])
    assert {name: made[0][name] for name in MADE} == MADE


@pytest.mark.parametrize("reply", [PAIR, TRIPLET], ids=["alone", "with a negative nobody wants"])
def test_without_triplet_there_is_no_negative(gateway: Gateway, reply: str) -> None:
    outcome = applied(task(reply, triplet=False), [ROW], gateway)
    (row,) = rows_after(outcome)
    assert row["positive"] == MADE["positive"]
    assert "negative" not in row
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))


def test_columns_have_their_types(gateway: Gateway) -> None:
    frame = applied(task(), [ROW], gateway).frame
    assert frame.schema["positive"] == frame.schema["negative"] == pl.String


def test_the_prompt_says_what_was_asked_for() -> None:
    assert len({prompt_of(action=action) for action in ACTIONS}) == 4
    assert ROW["anchor"] in prompt_of()
    assert "From {a} talk." in prompt_of(context="From {a} talk.")
    assert "context" not in prompt_of()
    assert "at a glance" in prompt_of(hard_negative=True)
    assert "at a glance" not in prompt_of()
    assert "egative" not in prompt_of(triplet=False)
    assert "## Negative" in prompt_of()
    structured = prompt_of(use_default_structured_output=True)
    assert ("JSON" in structured, "## Positive" in structured) == (True, False)


@pytest.mark.parametrize(
    "reply",
    [
        TRIPLET,
        f"Sure!\n\n{TRIPLET}\n",
        TRIPLET.replace("\n", "\r\n"),
        f"```\n{TRIPLET}\n```",
        "**Positive:** How hot is the sun?\n**Negative:** How hot is a sauna?",
        "[Positive]\nHow hot is the sun?\n[Negative]\nHow hot is a sauna?",
        "positive: How hot is the sun?\nnegative: How hot is a sauna?",
        json.dumps(MADE),
        f"Here:\n```json\n{json.dumps({**MADE, 'anchor': 'x'})}\n```",
    ],
)
def test_sloppy_sections_and_json_are_read(reply: str) -> None:
    assert task().format_output(reply, ROW) == MADE


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't.", "no section 'Positive'", id="refusal"),
        pytest.param(PAIR, "no section 'Negative'", id="cut off"),
        pytest.param(TRIPLET[:-19], "the negative in the reply is empty", id="no negative"),
        pytest.param(f"{TRIPLET}\n## Negative\nx", "'Negative' 2 times", id="two negatives"),
        pytest.param(
            TRIPLET.replace("How hot is a sauna?", "how hot  is the sun?"),
            "the negative in the reply is the same as the positive",
            id="one text twice",
        ),
        pytest.param(
            TRIPLET.replace("How hot is the sun?", "the {{ sun }} is hot."),
            "the positive in the reply is the same as the anchor",
            id="the anchor again",
        ),
        pytest.param('{"positive": "a"}', "'negative' is a required property", id="json without"),
    ],
)
def test_a_reply_that_lacks_a_text_or_repeats_one_is_a_rejection_never_nulls(
    gateway: Gateway, reply: str, reason: str
) -> None:
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    with pytest.raises(RowRejected, match=reason):
        raise RowRejected(rejection.reason)


def test_a_writer_that_forgot_the_negative_is_asked_for_it(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"no section 'Negative'": TRIPLET}, replies=(PAIR,))
    step = GenerateSentencePair(llm=llm, action="query", triplet=True)
    (row,) = rows_after(applied(step, [ROW], gateway))
    assert row["negative"] == MADE["negative"]


def test_a_hard_negative_without_a_negative_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="hard_negative needs triplet=True"):
        task(triplet=False, hard_negative=True)
    with pytest.raises(ConfigurationError, match="parameter 'action'"):
        task(action="rhyme")


def test_the_schema_is_strict_and_asked_for_where_it_is_enforced() -> None:
    schema = task().response_schema(ROW)
    assert schema["required"] == list(schema["properties"]) == ["positive", "negative"]
    assert list(task(triplet=False).response_schema(ROW)["properties"]) == ["positive"]
    assert not task().structured
    llm = OpenAILLM(model="gpt", api_key=SecretStr("none"))
    assert GenerateSentencePair(llm=llm, action="query").structured


@pytest.mark.parametrize("anchor", [None, " "], ids=["null", "blank"])
def test_a_row_without_an_anchor_is_rejected_and_the_others_are_not(
    gateway: Gateway, anchor: str | None
) -> None:
    outcome = applied(task(), [{"anchor": anchor}, ROW], gateway)
    assert len(rows_after(outcome)) == 1
    assert outcome.rejections[0].reason.startswith("the column 'anchor' is")
