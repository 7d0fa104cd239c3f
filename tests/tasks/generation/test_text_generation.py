"""Text generation: the prompt is what was asked for, and the answer is kept as it is."""

from __future__ import annotations

from typing import Any

import pytest

from llms import Gateway, ScriptedLLM
from llms.chat import text_content
from llms.errors import ConfigurationError, RowRejected
from tasks import Graph, LoadDataFromDicts, TextGeneration
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after

ANSWER = "  1. One\n\n2. Two\n"


def task(reply: str = ANSWER, **parameters: Any) -> TextGeneration:
    return TextGeneration(llm=ScriptedLLM(replies=(reply,)), **parameters)


def chat_for(row: dict[str, Any], **parameters: Any) -> list[tuple[str, str]]:
    chat = task(**parameters).format_input(row)
    return [(turn["role"], text_content(turn)) for turn in chat]


def rejection_of(row: dict[str, Any], **parameters: Any) -> str:
    with pytest.raises(RowRejected) as caught:
        task(**parameters).format_input(row)
    return str(caught.value)


def test_by_hand_a_row_gets_a_generation_as_in_the_documentation() -> None:
    result = next(task().process([{"instruction": "What's synthetic generated text?"}]))
    assert result[0]["generation"] == ANSWER
    assert result[0]["model_name"] == "scripted"
    metadata = result[0]["distilabel_metadata"]
    assert metadata["raw_input_text_generation_0"] == [
        {"role": "user", "content": "What's synthetic generated text?"}
    ]
    assert metadata["statistics_text_generation_0"]["finish_reason"] == "stop"


def test_in_a_pipeline_rows_keep_their_keys(gateway: Gateway) -> None:
    rows = [{"instruction": "one"}, {"instruction": "two"}]
    outcome = applied(task(), rows, gateway)
    assert keys_of(outcome.frame) == keys_of(keyed(rows))
    assert [row["generation"] for row in rows_after(outcome)] == [ANSWER, ANSWER]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("I'm sorry, but I can't help with that.", id="refusal"),
        pytest.param("```python\ndef f(x):\n    retu", id="cut off"),
        pytest.param("Sure!\r\n\r\n**Answer**: 42", id="sloppy"),
    ],
)
def test_any_text_is_kept_as_it_is(reply: str) -> None:
    assert task().format_output(reply, {}) == {"generation": reply}


@pytest.mark.parametrize("reply", ["", " \n ", None], ids=["empty", "blank", "none"])
def test_an_empty_reply_is_a_rejection_not_an_empty_generation(
    gateway: Gateway, reply: str | None
) -> None:
    with pytest.raises(RowRejected, match="the reply is empty"):
        task().format_output(reply, {})
    outcome = applied(task(reply or ""), [{"instruction": "x"}], gateway)
    assert not outcome.frame.height
    assert outcome.rejections[0].raw_reply == (reply or "")


# The system prompt


@pytest.mark.parametrize(
    ("row", "parameters", "system"),
    [
        pytest.param({}, {}, None, id="none"),
        pytest.param({}, {"system_prompt": "S"}, "S", id="of the step"),
        pytest.param({"system_prompt": "R"}, {}, "R", id="of the row"),
        pytest.param({"system_prompt": "R"}, {"system_prompt": "S"}, "R", id="the row wins"),
        pytest.param(
            {"system_prompt": None}, {"system_prompt": "S"}, "S", id="a null row does not"
        ),
        pytest.param(
            {"system_prompt": ""}, {"system_prompt": "S"}, None, id="an empty one is none"
        ),
        pytest.param(
            {"system_prompt": "R"},
            {"system_prompt": "S", "use_system_prompt": False},
            None,
            id="switched off",
        ),
    ],
)
def test_the_system_prompt_comes_first(
    row: dict[str, Any], parameters: dict[str, Any], system: str | None
) -> None:
    turns = [("user", "x")] if system is None else [("system", system), ("user", "x")]
    assert chat_for({"instruction": "x", **row}, **parameters) == turns


def test_a_system_prompt_that_is_no_text_is_a_rejection() -> None:
    said = rejection_of({"instruction": "x", "system_prompt": ["S"]})
    assert said == "the column 'system_prompt' is a list, not text"


def test_the_system_prompt_of_each_row_reaches_the_model(gateway: Gateway) -> None:
    llm = RecordingLLM()
    rows = [{"instruction": "x", "system_prompt": name} for name in ("A", "B")]
    applied(TextGeneration(llm=llm), rows, gateway)
    assert sorted(chat[0]["content"] for chat in llm.sent) == ["A", "B"]


# The template


def test_the_template_makes_the_prompt_from_several_columns() -> None:
    row = {"passage": "P", "tags": ["a", "b"], "n": 3}
    template = "{{ passage }}{% for tag in tags %} #{{ tag }}{% endfor %} {{ n }}"
    assert chat_for(row, template=template, columns=["passage", "tags", "n"]) == [
        ("user", "P #a #b 3")
    ]


def test_braces_in_a_value_are_not_a_template() -> None:
    assert chat_for({"instruction": "{{ 7 * 7 }} {x}"}) == [("user", "{{ 7 * 7 }} {x}")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, "the column 'instruction' is null", id="null"),
        pytest.param("  ", "the column 'instruction' is empty", id="blank"),
        pytest.param(5, "the column 'instruction' is a int, not text", id="number"),
        pytest.param(
            [{"role": "user", "content": "x"}],
            "the column 'instruction' is a list, not text",
            id="chat",
        ),
    ],
)
def test_an_instruction_that_is_no_text_is_a_rejection(value: Any, reason: str) -> None:
    assert rejection_of({"instruction": value}) == reason


def test_a_bad_row_harms_no_other(gateway: Gateway) -> None:
    rows = [{"instruction": text} for text in ("one", None, "two")]
    outcome = applied(task(), rows, gateway)
    assert [row["instruction"] for row in rows_after(outcome)] == ["one", "two"]
    assert [rejection.row["instruction"] for rejection in outcome.rejections] == [None]


def test_a_null_is_never_written_into_a_prompt() -> None:
    parameters = {"template": "{{ a }} {{ b }}", "columns": ["a", "b"]}
    assert rejection_of({"a": "x", "b": None}, **parameters) == "the column 'b' is null"


def test_a_prompt_without_any_text_is_a_rejection() -> None:
    parameters = {"template": "{% if a > 3 %}{{ a }}{% endif %}", "columns": "a"}
    assert rejection_of({"a": 1}, **parameters) == "the prompt is empty"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"columns": "topic"}, "does not use the column 'topic'", id="unused column"),
        pytest.param(
            {"columns": ["instruction", "topic"], "template": "{{ instruction }} {{ topics }}"},
            "does not use the column 'topic'",
            id="misspelt column",
        ),
        pytest.param(
            {"template": "{{ instruction }} {{ b }}"},
            "uses 'b', which is not one",
            id="unknown name",
        ),
        pytest.param({"template": "{{ instruction"}, "not valid Jinja2", id="broken template"),
    ],
)
def test_a_template_that_does_not_fit_the_columns_is_an_error_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with Graph("g") as graph:
        with pytest.raises(ConfigurationError, match=said):
            task(**parameters)
        assert graph.steps == {}


def test_the_column_of_the_default_template_must_be_text_before_the_run() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"instruction": 5}]) >> task()
    with pytest.raises(ConfigurationError, match="needs the column 'instruction' as String"):
        graph.validate()


def test_the_step_goes_to_yaml_and_back() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{"a": "x", "b": "y"}])
        source >> task(template="{{ a }} {{ b }}", columns=["a", "b"], system_prompt="S")
    again = Graph.from_dict(graph.to_dict())
    assert again.to_yaml() == graph.to_yaml()
    assert again.steps["text_generation_0"].signature == graph.steps["text_generation_0"].signature


# Several generations


def test_several_generations_are_rows_of_their_own_or_a_list(gateway: Gateway) -> None:
    rows = [{"instruction": "x"}]
    apart = applied(TextGeneration(llm=RecordingLLM(), num_generations=3), rows, gateway)
    assert len({row["generation"] for row in rows_after(apart)}) == 3
    together = applied(
        TextGeneration(llm=RecordingLLM(), num_generations=3, group_generations=True), rows, gateway
    )
    (row,) = rows_after(together)
    assert row["generation"] == [row["generation"] for row in rows_after(apart)]
    assert row["model_name"] == "scripted"
