"""Chat generation: the next turn of a conversation that waits for one."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import Gateway, ScriptedLLM
from llms.errors import RowRejected
from tasks import ChatGeneration
from tests.tasks.conftest import RecordingLLM, applied, keyed, keys_of, rows_after


def turn(role: Any, content: Any = "x") -> dict[str, Any]:
    return {"role": role, "content": content}


CHAT = [turn("system", "S"), turn("user", "hi"), turn("assistant", "yes?"), turn("user", "go on")]


def test_by_hand_the_chat_is_sent_and_the_answer_kept() -> None:
    llm = RecordingLLM(replies=("Well.",))
    (made,) = ChatGeneration(llm=llm).process([{"messages": CHAT}])
    assert llm.sent == [CHAT]
    assert made[0]["generation"] == "Well."
    assert made[0]["messages"] == CHAT


def test_in_a_pipeline_rows_keep_their_keys(gateway: Gateway) -> None:
    rows = [{"messages": CHAT}, {"messages": CHAT[:2]}]
    outcome = applied(ChatGeneration(llm=ScriptedLLM()), rows, gateway)
    assert keys_of(outcome.frame) == keys_of(keyed(rows))
    assert outcome.frame.schema["generation"] == pl.String


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        pytest.param(CHAT[:3], "the last turn of 'messages' is the assistant's", id="last turn"),
        pytest.param(CHAT[:1], "the last turn of 'messages' is the system's", id="system only"),
        pytest.param([], "holds no chat", id="no turns"),
        pytest.param(None, "holds no chat", id="null"),
        pytest.param("hi", "holds no chat", id="text"),
        pytest.param([turn("user", None)], "turn 1 of 'messages' is null", id="null turn"),
        pytest.param([turn("user", " ")], "turn 1 of 'messages' is empty", id="empty turn"),
        pytest.param([turn("human")], "the role of turn 1 of 'messages' is 'human'", id="role"),
        pytest.param([turn(None)], "the role of turn 1 of 'messages' is None", id="no role"),
        pytest.param(["hi"], "turn 1 of 'messages' is no object", id="turn of text"),
    ],
)
def test_a_bad_chat_is_a_rejection_that_says_what_is_wrong(messages: Any, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        ChatGeneration(llm=ScriptedLLM()).format_input({"messages": messages})


def test_a_bad_chat_harms_no_other(gateway: Gateway) -> None:
    outcome = applied(
        ChatGeneration(llm=ScriptedLLM()), [{"messages": CHAT}, {"messages": CHAT[:3]}], gateway
    )
    assert [row["messages"] for row in rows_after(outcome)] == [CHAT]
    assert len(outcome.rejections) == 1


def test_fields_beside_role_and_content_are_not_sent() -> None:
    sent = ChatGeneration(llm=ScriptedLLM()).format_input({"messages": [{**turn("user"), "id": 3}]})
    assert sent == [turn("user")]


@pytest.mark.parametrize("reply", ["I can't do that.", "cut of"], ids=["refusal", "cut off"])
def test_any_text_is_kept_as_it_is(reply: str) -> None:
    made = ChatGeneration(llm=ScriptedLLM()).format_output(reply, {})
    assert made == {"generation": reply}


@pytest.mark.parametrize("reply", ["", "\n", None], ids=["empty", "blank", "none"])
def test_an_empty_reply_is_a_rejection(reply: str | None) -> None:
    with pytest.raises(RowRejected, match="the reply is empty"):
        ChatGeneration(llm=ScriptedLLM()).format_output(reply, {})
