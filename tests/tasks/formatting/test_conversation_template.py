"""An instruction and its response as a conversation of two turns."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.formatting.conversation_template import ConversationTemplate
from tasks.generated import CHAT
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROW = {"instruction": "Say hi.", "response": "Hi!"}


def test_by_hand_a_row_becomes_a_conversation() -> None:
    (made,) = ConversationTemplate().process([ROW])
    assert made == [
        {
            **ROW,
            "conversation": [
                {"role": "user", "content": "Say hi."},
                {"role": "assistant", "content": "Hi!"},
            ],
        }
    ]


def test_in_a_pipeline_rows_keep_their_keys_and_the_column_is_a_chat() -> None:
    outcome = applied(ConversationTemplate(), [ROW, ROW])
    assert keys_of(outcome.frame) == keys_of(keyed([ROW, ROW]))
    assert outcome.frame.schema["conversation"] == CHAT


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"instruction": None}, "the column 'instruction' is null", id="instruction"),
        pytest.param({"response": None}, "the column 'response' is null", id="response"),
        pytest.param({"response": ["Hi!"]}, "the column 'response' is a list", id="list"),
    ],
)
def test_a_row_without_both_texts_is_rejected(changes: dict[str, Any], reason: str) -> None:
    outcome = applied(ConversationTemplate(), [{**ROW, **changes}])
    assert not rows_after(outcome)
    assert outcome.rejections[0].reason.startswith(reason)
