"""`ChatGeneration`: the next turn of a conversation."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import required_text, unanswered_chat
from tasks.generated import CHAT
from tasks.row import Row
from tasks.task import Task


class ChatGeneration(Task):
    """Continues a chat.

    Columns: `messages` (chat: list of `role` and `content`) -> `generation` (str).
    A chat whose last turn is not the user's, one with an empty turn or a role other than system,
    user and assistant, and an empty answer are rejections.

    Example:
        >>> from tasks import ChatGeneration
        >>> from llms import ScriptedLLM
        >>> task = ChatGeneration(llm=ScriptedLLM(replies=("In about ten minutes.",)))
        >>> said = ["An egg, please.", "Soft or hard?", "Hard. When is it done?"]
        >>> roles = ["user", "assistant", "user"]
        >>> messages = [{"role": r, "content": c} for r, c in zip(roles, said, strict=True)]
        >>> next(task.process([{"messages": messages}]))[0]["generation"]
        'In about ten minutes.'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"messages": CHAT}
    outputs: ClassVar = {"generation": pl.String}

    def format_input(self, input: Row) -> ChatType:
        return unanswered_chat(input, "messages").turns

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": required_text(output or "", "the reply")}
