"""Tasks made of functions."""

from __future__ import annotations

import pytest

from llms import Gateway
from llms.errors import ConfigurationError, RowRejected
from tasks import Row, task
from tests.tasks.conftest import RecordingLLM, applied, rows_after


@task(inputs=["text", "language"], outputs=["label"])
def Label(output: str | None, input: Row) -> Row:
    """
    ---
    system_prompt: |
        You label texts.
    user_message_template: |
        Reply with {"label": ...} for this {language} text: {{ text }}
    ---
    Labels a text.
    """
    if output != "good":
        raise RowRejected("no label")
    return {"label": output}


ROW: Row = {"text": "Fine {text}.", "language": "English"}


def test_a_function_that_reads_a_reply_is_a_task(gateway: Gateway) -> None:
    llm = RecordingLLM(replies=("good",))
    (row,) = rows_after(applied(Label(llm=llm), [ROW], gateway))
    assert row["label"] == "good"
    system, user = llm.sent[0]
    assert system == {"role": "system", "content": "You label texts.\n"}
    # literal braces stay, and a value is not taken for a template
    assert user["content"] == 'Reply with {"label": ...} for this English text: Fine {text}.'


def test_a_reply_that_the_function_refuses_is_a_rejection(gateway: Gateway) -> None:
    outcome = applied(Label(llm=RecordingLLM(replies=("bad",))), [ROW], gateway)
    assert [rejection.reason for rejection in outcome.rejections] == ["no label"]


def test_another_prompt_or_other_code_is_another_signature() -> None:
    def made(template: str, label: str) -> str:
        def Own(output: str | None, input: Row) -> Row:
            return {"label": label}

        Own.__doc__ = f"---\nuser_message_template: '{template}'\n---"
        return task(inputs=["text"], outputs=["label"])(Own)(llm=RecordingLLM()).signature

    assert made("a {text}", "x") == made("a {text}", "x")
    assert made("a {text}", "x") != made("b {text}", "x")
    assert made("a {text}", "x") != made("a {text}", "y")


@pytest.mark.parametrize(
    ("doc", "message"),
    [
        (None, "needs a docstring that begins with ---"),
        ("Just words.", "needs a docstring that begins with ---"),
        ("---\nsystem_prompt: x\n---", "names a user_message_template"),
        ("---\nuser_message_template: 'of {{ other }}'\n---", "uses 'other', which is not among"),
        ("---\nuser_message_template: 'a'\ntemperature: 1\n---", "names 'temperature'"),
        ("---\n: : [\n---", "are no YAML"),
    ],
)
def test_prompts_that_cannot_be_used_are_told_at_once(doc: str | None, message: str) -> None:
    def Own(output: str | None, input: Row) -> Row:
        return {}

    Own.__doc__ = doc
    with pytest.raises(ConfigurationError, match=message):
        task(inputs=["text"])(Own)
