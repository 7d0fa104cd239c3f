"""TextClassification: labels that are available, different and as many as asked for."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, LoadDataFromDicts, Row
from tasks.classification.text_classification import TextClassification
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {"text": 'What {{ a }} day!\n\n{"labels": "x"}'}
MOODS = ["Very positive", "Neutral", "Arts, crafts"]


def task(reply: str = '{"labels": "Neutral"}', **parameters: Any) -> TextClassification:
    llm = RecordingLLM(replies=(reply,))
    return TextClassification(llm=llm, **{"corrections": 0, **parameters})


def read(reply: str, **parameters: Any) -> Any:
    return task(reply, **parameters).format_output(reply, ROW)["labels"]


def reason_of(reply: str, **parameters: Any) -> str:
    with pytest.raises(RowRejected) as caught:
        read(reply, **parameters)
    return str(caught.value)


def test_by_hand_a_text_gets_a_label() -> None:
    (made,) = task(available_labels=MOODS).process([ROW])
    assert made[0]["labels"] == "Neutral"


@pytest.mark.parametrize(
    ("n", "reply", "labels", "kind"),
    [
        (1, '{"labels": "Neutral"}', "Neutral", pl.String()),
        (2, '{"labels": ["Neutral", "Arts, crafts"]}', MOODS[1:], pl.List(pl.String)),
        (2, '{"labels": ["Unclassified"]}', ["Unclassified"], pl.List(pl.String)),
    ],
    ids=["one", "two", "none fits"],
)
@pytest.mark.parametrize("structured", [None, True], ids=["in words", "by schema"])
def test_in_a_pipeline_rows_keep_their_keys_and_labels_their_type(
    gateway: Gateway, n: int, reply: str, labels: Any, kind: Any, structured: bool | None
) -> None:
    step = task(reply, n=n, available_labels=MOODS, use_default_structured_output=structured)
    outcome = applied(step, [ROW], gateway)
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["labels"] == kind
    assert rows_after(outcome)[0]["labels"] == labels


def test_the_prompt_says_all_that_the_step_was_told() -> None:
    step = task(
        available_labels={"pos": "It is glad.", "neg": "It is sad."},
        default_label="mixed",
        context="Moods of diaries.",
        examples=["Hooray: pos"],
        query_title="Diary entry",
        system_prompt="Be quick.",
    )
    system, user = step.format_input(ROW)
    assert system["content"] == "Be quick."
    for text in (
        ROW["text"],
        "- pos: It is glad.",
        '"mixed"',
        "Moods of diaries.",
        "- Hooray: pos",
        "## Diary entry\n",
        "the one label",
    ):
        assert text in text_content(user)


def test_what_is_switched_off_is_not_in_the_prompt() -> None:
    (user,) = task(system_prompt=None, default_label=None, context=None, n=3).format_input(ROW)
    prompt = text_content(user)
    assert "If none fits" not in prompt
    assert "list" not in prompt
    assert "Examples" not in prompt
    assert "3 different labels" in prompt
    assert '"<label>", "<label>", "<label>"' in prompt


def test_several_texts_can_be_asked_about_together() -> None:
    prompt = text_content(task(query_title="Note").chat_about(["one", "two"])[-1])
    assert "## Note 1\n<text>\none\n</text>" in prompt
    assert "## Note 2\n<text>\ntwo\n</text>" in prompt
    assert "all of these texts together" in prompt


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param('{"labels": "Arts, crafts"}', id="json"),
        pytest.param('```json\n{"labels": "Arts, crafts"}\n```', id="fenced json"),
        pytest.param('Sure:\r\n```\r\n{"labels": "Arts, crafts"}\r\n```\r\n', id="json in prose"),
        pytest.param('{"labels": ["arts,  CRAFTS"]}', id="a list of one, other spelling"),
        pytest.param('{"label": "Arts, crafts", "why": "pots"}', id="other property"),
        pytest.param("Arts, crafts", id="bare"),
        pytest.param("**Label:** *arts, crafts*.\n\nIt is about pots.", id="named"),
        pytest.param("<think>Neutral?</think>\nArts, crafts", id="reasoning"),
        pytest.param("{'labels': 'Arts, crafts',}", id="python"),
    ],
)
def test_a_label_comes_in_the_spelling_it_was_given(reply: str) -> None:
    assert read(reply, available_labels=MOODS) == "Arts, crafts"


@pytest.mark.parametrize(
    "reply",
    [
        '{"labels": ["neutral", "VERY positive"]}',
        "Labels: neutral, very positive",
        "1. Neutral\n2. Very positive",
        '```\n{"labels": ["Neutral", "Very\\npositive"]}\n```',
    ],
)
def test_several_labels_keep_their_order(reply: str) -> None:
    assert read(reply, available_labels=MOODS, n=2) == ["Neutral", "Very positive"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I'm sorry, I can't.", "is none of 'Very positive'", id="refusal"),
        pytest.param('{"labels": "Neu', "ends before the JSON object is complete", id="cut off"),
        pytest.param('{"labels": "Sad"}', "the label 'Sad' is none of", id="made up"),
        pytest.param('{"labels": "positive"}', "'positive' is none of", id="only a part"),
        pytest.param('{"labels": null}', "is None, not text", id="null"),
        pytest.param('{"labels": []}', "gives 0 labels, not 1", id="no label"),
        pytest.param('{"labels": ["Neutral", "Very positive"]}', "2 labels, not 1", id="two"),
        pytest.param('{"topic": "Neutral"}', "is None, not text", id="another property"),
    ],
)
def test_an_answer_that_is_no_available_label_is_a_rejection_never_a_null(
    gateway: Gateway, reply: str, reason: str
) -> None:
    outcome = applied(task(reply, available_labels=MOODS), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.raw_reply == reply


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ('{"labels": ["Neutral", "neutral "]}', "gives a label twice: Neutral, Neutral"),
        ('{"labels": ["Neutral"]}', "gives 1 labels, not 2"),
        ('{"labels": ["Neutral", "Very positive", "Arts, crafts"]}', "gives 3 labels, not 2"),
        ('{"labels": ["Neutral", "Unclassified"]}', "gives 'Unclassified' beside other labels"),
        ('{"labels": ["Neutral", "Sad"]}', "the label 'Sad' is none of"),
    ],
)
def test_several_labels_must_be_different_and_as_many_as_asked_for(reply: str, reason: str) -> None:
    assert reason in reason_of(reply, available_labels=MOODS, n=2)


def test_a_model_that_makes_a_label_up_is_shown_the_labels(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"'Sad' is none of .*'Neutral'": "neutral"}, replies=("Sad",))
    step = TextClassification(llm=llm, available_labels=MOODS)
    (row,) = rows_after(applied(step, [ROW], gateway))
    assert row["labels"] == "Neutral"
    assert len(llm.sent) == 2


def test_the_default_label_is_an_answer_but_never_replaces_one() -> None:
    assert read('{"labels": "unclassified"}', available_labels=MOODS) == "Unclassified"
    assert "'Sad' is none of" in reason_of("Sad", available_labels=MOODS)
    reply = '{"labels": "Unclassified"}'
    assert "is none of" in reason_of(reply, available_labels=MOODS, default_label=None)
    assert read(reply.replace("Uncl", "uncl")) == "Unclassified"


def test_a_default_label_may_be_a_list_or_one_of_the_labels() -> None:
    nothing = ["None", "Nothing"]
    assert read('{"labels": ["none", "nothing"]}', n=2, default_label=nothing) == nothing
    labels = {"available_labels": MOODS, "default_label": "Neutral", "n": 2}
    assert read('{"labels": ["Neutral", "Very positive"]}', **labels) == [
        "Neutral",
        "Very positive",
    ]
    assert read('{"labels": ["Neutral"]}', **labels) == ["Neutral"]


def test_without_available_labels_any_is_taken_but_no_refusal() -> None:
    assert read('{"labels": " Pottery "}') == "Pottery"
    assert read('{"labels": ["Pots", "Clay", "Kilns"]}', n=3) == ["Pots", "Clay", "Kilns"]
    assert "gives a label twice" in reason_of('{"labels": ["Pots", "POTS"]}', n=2)
    assert "a label in the reply is empty" in reason_of('{"labels": " "}')
    assert "no JSON object" in reason_of("I'm sorry, but I can't label this.")


def test_the_schema_lets_only_labels_through() -> None:
    one = task(available_labels=MOODS).response_schema(ROW)["properties"]["labels"]
    assert one == {"type": "string", "enum": [*MOODS, "Unclassified"]}
    several = task(available_labels=MOODS, n=3).response_schema(ROW)["properties"]["labels"]
    assert (several["minItems"], several["maxItems"]) == (1, 3)
    free = task(n=3, default_label=None).response_schema(ROW)["properties"]["labels"]
    assert (free["items"], free["minItems"]) == ({"type": "string"}, 3)


def test_json_is_asked_for_where_the_provider_enforces_it() -> None:
    assert not task().structured
    assert TextClassification(llm=OpenAILLM(model="gpt", api_key=SecretStr("none"))).structured


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"available_labels": MOODS, "n": 4}, "cannot get 4 different labels of 3; lower n"),
        ({"available_labels": []}, "cannot get 1 different labels of 0"),
        ({"available_labels": ["a", "A "]}, "'a', 'A ' are the same but for letter case"),
        ({"available_labels": ["a", "a"]}, "'a', 'a' are the same"),
        ({"available_labels": {"a": "", " ": "x"}}, "A label is empty"),
        ({"default_label": ["a", "b"]}, "default_label has 2 labels, but a text gets 1"),
        ({"default_label": ""}, "A label is empty"),
        ({"n": 0}, "parameter 'n'"),
    ],
)
def test_labels_that_cannot_work_are_refused_before_any_work(
    parameters: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        task(**parameters)


@pytest.mark.parametrize("text", [None, " "], ids=["null", "blank"])
def test_a_row_without_a_text_is_rejected_and_the_others_are_not(
    gateway: Gateway, text: str | None
) -> None:
    outcome = applied(task(available_labels=MOODS), [{"text": text}, ROW], gateway)
    assert [row["labels"] for row in rows_after(outcome)] == ["Neutral"]
    assert outcome.rejections[0].reason.startswith("the column 'text' is")


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task(name="topics", n=2)
    assert (graph.validate()["topics"] or {})["labels"] == pl.List(pl.String)
