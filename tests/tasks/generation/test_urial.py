"""URIAL: a base model answers, and is cut off where it writes the next turn itself."""

from __future__ import annotations

import pytest

from llms import Gateway, ScriptedLLM
from llms.chat import text_content
from llms.errors import RowRejected
from tasks import Row
from tasks.generation.urial import URIAL
from tests.tasks.conftest import applied, rows_after

ROW = {"instruction": "What is the capital of Switzerland?"}
TALK = [
    {"role": "user", "content": "Hello."},
    {"role": "assistant", "content": "Hi!"},
    {"role": "user", "content": "Name a river."},
]


def task(reply: str = "Bern.") -> URIAL:
    return URIAL(llm=ScriptedLLM(replies=(reply,)), corrections=0)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Bern.", "Bern."),
        ("\n\nBern.\n\n# User\nAnd of France?\n\n# Assistant\nParis.", "Bern."),
        ("Bern.\r\n\r\n# User\r\nAnd of France?", "Bern."),
        ("Bern.\n# User:\nAnd?", "Bern."),
        ("# Assistant\nBern.\n\n## user\nAnd?", "Bern."),
        ("Bern.\n\n# Assistant\nBern again.", "Bern."),
        ("# User accounts\nOpen the settings.", "# User accounts\nOpen the settings."),
        ("Write:\n```md\n# User\n```\nDone.\n\n# User\nx", "Write:\n```md\n# User\n```\nDone."),
    ],
    ids=[
        "as it is",
        "goes on",
        "CRLF",
        "with a colon",
        "repeats its header",
        "answers twice",
        "a heading of its own",
        "in a code block",
    ],
)
def test_an_answer_is_cut_at_the_next_turn(reply: str, answer: str) -> None:
    assert task().format_output(reply, ROW) == {"generation": answer}


@pytest.mark.parametrize("reply", ["", " \n", "# User\nAnd?", "# Assistant\n\n# User\nAnd?"])
def test_an_empty_answer_is_a_rejection_and_no_null(reply: str, gateway: Gateway) -> None:
    outcome = applied(task(reply), [ROW], gateway)
    assert rows_after(outcome) == []
    assert outcome.rejections[0].reason == "the answer is empty"


@pytest.mark.parametrize(
    ("row", "end"),
    [
        (ROW, "# User\nWhat is the capital of Switzerland?\n\n# Assistant"),
        (
            {"conversation": TALK},
            "# User\nHello.\n\n# Assistant\nHi!\n\n# User\nName a river.\n\n# Assistant",
        ),
        ({"instruction": None, "conversation": TALK[:1]}, "# User\nHello.\n\n# Assistant"),
        ({**ROW, "conversation": TALK}, "Switzerland?\n\n# Assistant"),
    ],
    ids=["an instruction", "a conversation", "whichever there is", "the instruction first"],
)
def test_the_prompt_ends_where_the_assistant_is_to_speak(row: Row, end: str) -> None:
    (turn,) = task().format_input(row)
    assert turn["role"] == "user"
    assert text_content(turn).endswith(end)
    assert text_content(turn).count("# User\n") >= 4


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "neither an 'instruction' nor a 'conversation'"),
        ({"instruction": " "}, "the column 'instruction' is empty"),
        ({"conversation": TALK[:2]}, "the last turn of 'conversation' is the assistant's"),
        ({"conversation": []}, "the column 'conversation' holds no chat"),
    ],
    ids=["neither", "blank", "answered", "empty"],
)
def test_a_row_without_an_open_question_is_a_rejection(row: Row, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        task().format_input(row)
