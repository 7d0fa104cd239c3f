"""A chat that waits for its answer."""

from __future__ import annotations

from dataclasses import dataclass

from llms.chat import ChatType, text_content
from llms.errors import RowRejected
from tasks.chats import turns_in
from tasks.row import Row


@dataclass(frozen=True, slots=True)
class UnansweredChat:
    """The turns of a chat, of which the last is the user's, and its first user turn."""

    prompt: str
    turns: ChatType


def unanswered_chat(row: Row, column: str) -> UnansweredChat:
    """Return the chat in a column.

    Raises:
        RowRejected: it is no chat, or its last turn is not the user's.
    """
    turns = turns_in(row, column)
    if turns[-1]["role"] != "user":
        raise RowRejected(
            f"the last turn of {column!r} is the {turns[-1]['role']}'s, not the user's"
        )
    first = next(turn for turn in turns if turn["role"] == "user")
    return UnansweredChat(text_content(first), turns)
