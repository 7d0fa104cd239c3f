"""Chats for fine-tuning: the chat with its answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from tasks import Graph, LoadDataFromDicts
from tasks.formatting.format_chat_generation_sft import FormatChatGenerationSFT
from tasks.generated import CHAT
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "How are you?"},
]
ROW = {"messages": MESSAGES, "generation": "Fine!"}
ANSWERED = [*MESSAGES, {"role": "assistant", "content": "Fine!"}]


def test_by_hand_the_answer_comes_last_and_the_prompt_is_the_first_user_turn() -> None:
    (made,) = FormatChatGenerationSFT().process([ROW])
    assert made == [
        {
            "messages": ANSWERED,
            "generation": "Fine!",
            "prompt": "Hi.",
            "prompt_id": sha256(b"Hi.").hexdigest(),
        }
    ]


def test_in_a_pipeline_rows_keep_their_keys() -> None:
    rows = [ROW, {**ROW, "generation": "Good."}]
    assert keys_of(applied(FormatChatGenerationSFT(), rows).frame) == keys_of(keyed(rows))


def test_a_mapping_keeps_the_chat_that_would_be_replaced() -> None:
    step = FormatChatGenerationSFT(output_mappings={"messages": "chat"})
    (made,) = rows_after(applied(step, [ROW]))
    assert made["messages"] == MESSAGES
    assert made["chat"] == ANSWERED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"messages": None}, "'messages' holds no chat", id="no chat"),
        pytest.param({"messages": ANSWERED}, "is the assistant's, not the user's", id="answered"),
        pytest.param({"messages": MESSAGES[:1]}, "is the system's, not the user's", id="no user"),
        pytest.param({"generation": None}, "the column 'generation' is null", id="generation"),
        pytest.param({"generation": " "}, "the column 'generation' is empty", id="blank"),
    ],
)
def test_a_row_without_chat_or_answer_is_rejected_and_harms_no_other(
    changes: dict[str, Any], reason: str
) -> None:
    outcome = applied(FormatChatGenerationSFT(), [ROW, {**ROW, **changes}])
    assert [row["messages"] for row in rows_after(outcome)] == [ANSWERED]
    (rejection,) = outcome.rejections
    assert reason in rejection.reason


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> FormatChatGenerationSFT()
    assert (graph.validate()["format_chat_generation_sft_0"] or {})["messages"] == CHAT
