"""`ChatGeneration`: the next turn of a conversation."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import required_text, turns_in
from tasks.generated import CHAT
from tasks.row import Row
from tasks.task import Task


class ChatGeneration(Task):
    """Continues a chat.

    Columns: `messages` (chat: list of `role` and `content`) -> `generation` (str).
    A chat whose last turn is not the user's, one with an empty turn or a role other than system,
    user and assistant, and an empty answer are rejections.
    """

    version: ClassVar = 1
    inputs: ClassVar = {"messages": CHAT}
    outputs: ClassVar = {"generation": pl.String}

    def format_input(self, input: Row) -> ChatType:
        turns = turns_in(input, "messages")
        if turns[-1]["role"] != "user":
            raise RowRejected(
                f"the last turn of 'messages' is the {turns[-1]['role']}'s, not the user's"
            )
        return turns

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": required_text(output or "", "the reply")}
