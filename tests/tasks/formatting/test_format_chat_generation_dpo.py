"""Preference pairs from chats: the whole chat before each answer, or a reason why there is none."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts
from tasks.formatting.format_chat_generation_dpo import FormatChatGenerationDPO
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hi."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "How are you?"},
]
ROW = {"messages": MESSAGES, "generations": ["Hm.", "Fine!", "No."], "ratings": [3, 5, 1]}


def test_by_hand_the_best_is_chosen_and_the_worst_rejected_after_the_whole_chat() -> None:
    (made,) = FormatChatGenerationDPO().process([ROW])
    assert made == [
        {
            **ROW,
            "prompt": "Hi.",
            "prompt_id": sha256(b"Hi.").hexdigest(),
            "chosen": [*MESSAGES, {"role": "assistant", "content": "Fine!"}],
            "chosen_rating": 5,
            "rejected": [*MESSAGES, {"role": "assistant", "content": "No."}],
            "rejected_rating": 1,
        }
    ]


def test_in_a_pipeline_rows_keep_their_keys_and_columns_their_types() -> None:
    outcome = applied(FormatChatGenerationDPO(), [ROW])
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["chosen_rating"] == pl.Int64
    assert outcome.frame.schema["rejected"] == pl.List(
        pl.Struct({"role": pl.String, "content": pl.String})
    )


def test_the_models_are_named_only_where_they_are_known() -> None:
    row = {**ROW, "generation_models": ["a", "b", "c"]}
    (made,) = rows_after(applied(FormatChatGenerationDPO(), [row]))
    assert (made["chosen_model"], made["rejected_model"]) == ("b", "c")
    (plain,) = rows_after(applied(FormatChatGenerationDPO(), [ROW]))
    assert "chosen_model" not in plain


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"ratings": [3, 3, 3]}, "all ratings are equal", id="ties"),
        pytest.param({"ratings": [3, None, 1]}, "rating 2 is None", id="null rating"),
        pytest.param({"generations": ["x", "y", "y"]}, "the same text", id="the same text"),
        pytest.param({"generations": ["x"]}, "has 1 items for 3 ratings", id="uneven"),
        pytest.param({"messages": None}, "'messages' holds no chat", id="no chat"),
        pytest.param({"messages": []}, "'messages' holds no chat", id="an empty chat"),
        pytest.param({"messages": MESSAGES[:1]}, "is the system's, not the user's", id="no user"),
        pytest.param({"messages": MESSAGES[:3]}, "is the assistant's, not", id="answered"),
        pytest.param(
            {"messages": [{"role": "user", "content": None}]}, "turn 1 of 'messages'", id="empty"
        ),
    ],
)
def test_a_row_without_a_pair_is_rejected_and_harms_no_other(
    changes: dict[str, Any], reason: str
) -> None:
    bad = {**ROW, **changes}
    outcome = applied(FormatChatGenerationDPO(), [ROW, bad])
    assert [row["chosen_rating"] for row in rows_after(outcome)] == [5]
    (rejection,) = outcome.rejections
    assert reason in rejection.reason


def test_the_check_before_a_run_knows_the_columns() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[ROW]) >> FormatChatGenerationDPO()
    columns = graph.validate()["format_chat_generation_dpo_0"] or {}
    assert columns["chosen_rating"] == pl.Int64
    assert "chosen_model" not in columns
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{**ROW, "messages": "hi"}]) >> FormatChatGenerationDPO()
    with pytest.raises(ConfigurationError, match="needs the column 'messages'"):
        graph.validate()
