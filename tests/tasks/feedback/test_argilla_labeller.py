"""ArgillaLabeller: a suggestion for every record and question, or a rejection with the reason."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import polars as pl
import pytest
from pydantic import SecretStr

from llms import Gateway, OpenAILLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, LoadDataFromDicts, Row
from tasks.feedback.argilla_labeller import ArgillaLabeller
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ROW: Row = {"record": {"fields": {"text": "What {{ a }} day!", "source": "web"}}}


def question(kind: str, *options: Any, name: str = "mood", **more: Any) -> dict[str, Any]:
    """Return a question as Argilla writes it."""
    settings: dict[str, Any] = {"type": kind}
    if kind != "text":
        settings["options"] = [
            {"value": o} if kind == "rating" else {"value": o, "text": o.title()} for o in options
        ]
    return {"id": None, "name": name, "title": f"{name}?", "settings": settings, **more}


LABEL = question("label_selection", "pos", "neg")
LABELS = question("multi_label_selection", "pos", "neg", "arts, crafts")
RATING = question("rating", 1, 2, 3, 5)
TEXT = question("text")


def task(reply: str, asked: Any = None, **parameters: Any) -> ArgillaLabeller:
    llm = RecordingLLM(replies=(reply,))
    return ArgillaLabeller(llm=llm, question=asked, **{"corrections": 0, **parameters})


def prompt_of(step: ArgillaLabeller, row: Row) -> str:
    return text_content(step.format_input(row)[-1])


def test_by_hand_a_record_gets_a_suggestion() -> None:
    (made,) = task('{"label": "pos"}', LABEL).process([ROW])
    assert made[0]["suggestion"] == {
        "value": "pos",
        "question_name": "mood",
        "type": "model",
        "agent": "scripted",
    }


@pytest.mark.parametrize(
    ("asked", "reply", "value", "kind"),
    [
        (LABEL, '{"label": "pos"}', "pos", pl.String()),
        (LABELS, '{"labels": ["neg", "pos"]}', ["neg", "pos"], pl.List(pl.String)),
        (LABELS, '{"labels": []}', [], pl.List(pl.String)),
        (RATING, '{"rating": 5}', 5, pl.Int64()),
        (TEXT, '{"text": "Good {}"}', "Good {}", pl.String()),
    ],
    ids=["label", "labels", "no label", "rating", "text"],
)
def test_the_question_decides_the_type_of_the_value(
    gateway: Gateway, asked: Any, reply: str, value: Any, kind: Any
) -> None:
    for structured in (None, True):
        step = task(reply, asked, use_default_structured_output=structured)
        outcome = applied(step, [ROW], gateway)
        assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
        assert outcome.frame["suggestion"].struct.field("value").dtype == kind
        assert rows_after(outcome)[0]["suggestion"]["value"] == value


def test_the_prompt_has_the_record_the_question_and_its_options_as_they_are() -> None:
    step = task("", {**LABEL, "description": "Of the author."}, guidelines="Be strict.")
    prompt = prompt_of(step, ROW)
    for text in ("What {{ a }} day!", "web", "mood?", "Of the author.", "- pos (Pos)", "strict"):
        assert text in prompt
    assert "- 3\n" in prompt_of(task("", RATING), ROW)


@pytest.mark.parametrize(
    ("asked", "form"),
    [(LABEL, '{"label"'), (LABELS, '{"labels"'), (RATING, '{"rating"'), (TEXT, '{"text"')],
    ids=["label", "labels", "rating", "text"],
)
def test_every_type_of_question_has_an_instruction_a_form_and_a_schema(
    asked: Any, form: str
) -> None:
    step = task("", asked)
    prompt = prompt_of(step, ROW)
    assert form in prompt
    assert step.question_to_label_instruction[asked["settings"]["type"]] in prompt
    schema = step.response_schema(ROW)
    assert schema["required"] == list(schema["properties"]) == [form[2:-1]]


def test_only_the_fields_asked_for_are_shown_and_what_a_row_says_wins() -> None:
    step = task("", LABEL, fields=[{"name": "source"}], guidelines="Be strict.")
    assert "day" not in prompt_of(step, ROW)
    prompt = prompt_of(step, {**ROW, "fields": [{"name": "text"}], "guidelines": "Be kind."})
    assert "day" in prompt
    assert "web" not in prompt
    assert "Be kind." in prompt
    assert "Be strict." not in prompt


def test_examples_are_shown_with_their_response_and_those_without_are_not() -> None:
    examples = [
        {"fields": {"text": "Bah."}, "responses": {"mood": [{"value": "neg", "user_id": uuid4()}]}},
        {"fields": {"text": "Hm."}, "responses": {"other": [{"value": "x"}]}},
        {"fields": {"text": "So."}, "responses": {}},
    ]
    step = task("", LABEL, example_records=examples)
    prompt = prompt_of(step, ROW)
    assert 'Bah.\n</field>\nAnswer: {"label": "neg"}' in prompt
    assert "Hm." not in prompt
    assert "So." not in prompt


def test_a_field_that_is_no_text_is_shown_as_json() -> None:
    record = {"fields": {"chat": [{"role": "user", "content": "H\u00e9!"}]}}
    assert '[{"role": "user", "content": "H\u00e9!"}]' in prompt_of(
        task("", LABEL), {"record": record}
    )


@pytest.mark.parametrize(
    ("asked", "reply", "value"),
    [
        (LABEL, "POS", "pos"),
        (LABEL, "Label: **Pos**", "pos"),
        (LABEL, "pos (Pos)", "pos"),
        (LABEL, 'Sure:\r\n```json\r\n{"label": " Neg "}\r\n```\r\n', "neg"),
        (LABEL, '{"label": ["neg"], "why": "bad"}', "neg"),
        (LABELS, '{"labels": ["Arts, Crafts", "pos", "POS"]}', ["arts, crafts", "pos"]),
        (LABELS, "pos, neg", ["pos", "neg"]),
        (LABELS, "- Neg\n- Arts, Crafts", ["neg", "arts, crafts"]),
        (LABELS, '{"labels": "neg"}', ["neg"]),
        (RATING, "Rating: 5", 5),
        (RATING, "**5/5**", 5),
        (RATING, '{"rating": "\uff13"}', 3),
        (RATING, '{"rating": 3.0}', 3),
        (TEXT, "It is good.", "It is good."),
        (TEXT, '```json\n{"text": "It is good."}\n```', "It is good."),
    ],
)
def test_a_sloppy_answer_is_read(asked: Any, reply: str, value: Any) -> None:
    assert task(reply, asked).format_output(reply, ROW)["suggestion"]["value"] == value


@pytest.mark.parametrize(
    ("asked", "reply", "reason"),
    [
        (LABEL, "", "the reply is empty"),
        (LABEL, "I can't label this.", "is none of"),
        (LABEL, '{"label": "neutral"}', "the label 'neutral' is none of"),
        (LABEL, '{"label": ["pos", "neg"]}', "gives 2 labels, not one"),
        (LABEL, '{"label": null}', "is None, not text"),
        (LABEL, '{"label": "po', "ends before the JSON object is complete"),
        (LABELS, '{"labels": ["pos", "new"]}', "the label 'new' is none of"),
        (LABELS, '{"rating": 1}', "is None, not text"),
        (RATING, "I can't rate this.", "the rating is .* not a whole number from 1 to 5"),
        (RATING, '{"rating": 4}', "the rating is 4, not one of 1, 2, 3, 5"),
        (RATING, '{"rating": 10}', "the rating is '10', not a whole number from 1 to 5"),
        (RATING, '{"rating": null}', "the rating is 'None'"),
        (TEXT, '{"text": null}', "the text of the answer is null"),
        (TEXT, '{"text": " "}', "the text of the answer is empty"),
    ],
)
def test_an_answer_that_is_no_option_is_a_rejection(
    gateway: Gateway, asked: Any, reply: str, reason: str
) -> None:
    outcome = applied(task(reply, asked), [ROW], gateway)
    assert rows_after(outcome) == []
    (rejection,) = outcome.rejections
    with pytest.raises(RowRejected, match=reason):
        raise RowRejected(rejection.reason)


def test_a_model_that_makes_a_label_up_is_shown_the_labels(gateway: Gateway) -> None:
    llm = RecordingLLM(rules={"'neutral' is none of 'Pos', 'Neg'": "pos"}, replies=("neutral",))
    outcome = applied(ArgillaLabeller(llm=llm, question=LABEL), [ROW], gateway)
    assert [row["suggestion"]["value"] for row in rows_after(outcome)] == ["pos"]
    assert len(llm.sent) == 2


def test_rows_with_different_questions_are_all_answered(gateway: Gateway) -> None:
    questions = [
        LABEL,
        question("rating", 1, 2, 3, name="stars"),
        question("multi_label_selection", "a", "b", name="topics"),
        question("text", name="why"),
        LABEL,
    ]
    rules = {
        "stars": '{"rating": 3}',
        "topics": '{"labels": ["a", "b"]}',
        "why": '{"text": "So."}',
        "mood": '{"label": "neg"}',
    }
    step = ArgillaLabeller(llm=RecordingLLM(rules=rules), corrections=0)
    rows = [{**ROW, "question": asked} for asked in questions]

    outcome = applied(step, rows, gateway)

    made = [row["suggestion"] for row in rows_after(outcome)]
    assert [one["question_name"] for one in made] == ["mood", "stars", "topics", "why", "mood"]
    assert [one["value"] for one in made] == ["neg", "3", '["a", "b"]', "So.", "neg"]
    assert outcome.rejections == ()


def test_a_question_of_the_row_wins_but_must_be_answered_by_the_same_type(
    gateway: Gateway,
) -> None:
    other = question("label_selection", "yes", "no", name="spam")
    step = task("yes", LABEL)
    outcome = applied(step, [{**ROW, "question": other}], gateway)
    assert rows_after(outcome)[0]["suggestion"]["question_name"] == "spam"
    outcome = applied(step, [{**ROW, "question": RATING}], gateway)
    assert "not answered by the same type" in outcome.rejections[0].reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"record": None}, "holds no record"),
        ({"record": {"text": "a"}}, "holds no record"),
        ({"record": {"fields": {}}}, "the record has no fields"),
        ({"record": {"fields": {"text": None}}}, "the record has no fields"),
        ({"fields": [{"name": "title"}]}, "the record has no field 'title'"),
        ({"question": question("ranking", "a", "b")}, "'ranking', which cannot be answered"),
        ({"question": question("label_selection")}, "the question 'mood' has no options"),
        ({"question": None}, "the column 'question' is null, and the step has no question"),
        ({"question": {"title": "x"}}, "the name of the question is null"),
    ],
)
def test_a_row_that_cannot_be_asked_about_is_rejected_and_the_others_are_not(
    gateway: Gateway, row: Row, reason: str
) -> None:
    rows = [{**ROW, "question": LABEL, **row}, {**ROW, "question": LABEL}]
    with pytest.raises(RowRejected, match=reason):
        task("pos").format_input(rows[0])
    outcome = applied(task("pos"), rows, gateway)
    assert [row["suggestion"]["value"] for row in rows_after(outcome)] == ["pos"]


def test_a_field_that_is_not_required_may_be_missing() -> None:
    fields = [{"name": "title", "required": False}, {"name": "text", "required": True}]
    assert "day" in prompt_of(task("", LABEL, fields=fields), ROW)


def test_a_question_that_cannot_be_answered_is_refused_before_any_work() -> None:
    with pytest.raises(ConfigurationError, match="'span', which cannot be answered; it must be"):
        task("", question("span", "a"))
    with pytest.raises(ConfigurationError, match="has no options"):
        task("", question("rating"))
    with pytest.raises(ConfigurationError, match="no type of question 'label'"):
        task("", LABEL, question_to_label_instruction={"label": "Choose."})
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> task("")
    with pytest.raises(ConfigurationError, match="needs the column 'question'"):
        graph.validate()


def test_an_instruction_of_ones_own_leaves_the_others_as_they_are() -> None:
    instructions = {"rating": "Give stars."}
    assert "Give stars." in prompt_of(
        task("", RATING, question_to_label_instruction=instructions), ROW
    )
    assert "Choose the one" in prompt_of(
        task("", LABEL, question_to_label_instruction=instructions), ROW
    )


def test_json_is_asked_for_where_the_provider_enforces_it() -> None:
    assert not task("", LABEL).structured
    llm = OpenAILLM(model="gpt", api_key=SecretStr("none"))
    assert ArgillaLabeller(llm=llm, question=LABEL).structured


class Written:
    """Stands for a question of Argilla's, which writes itself out with ids and times."""

    def serialize(self) -> dict[str, Any]:
        return {**LABEL, "id": uuid4(), "dataset_id": uuid4(), "updated_at": str(uuid4())}


class Answered:
    """Stands for a record of Argilla's with a response."""

    def to_dict(self) -> dict[str, Any]:
        responses = {"mood": [{"value": "neg", "user_id": uuid4()}]}
        return {"id": uuid4(), "fields": {"text": "Bah."}, "responses": responses, "vectors": {}}


def test_objects_that_write_themselves_out_are_taken_and_their_ids_do_not_count() -> None:
    steps = [task("", Written(), example_records=[Answered()]) for _ in range(2)]
    assert 'Answer: {"label": "neg"}' in prompt_of(steps[0], ROW)
    assert steps[0].signature == steps[1].signature
