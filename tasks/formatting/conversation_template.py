"""`ConversationTemplate`: an instruction and its response as a conversation."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.chats import chat, text_in
from tasks.generated import CHAT
from tasks.row import Row
from tasks.row_step import RowStep


class ConversationTemplate(RowStep):
    """Makes an instruction and its response a conversation of two turns.

    Columns: `instruction` (str), `response` (str) -> `conversation` (chat: the user's turn and the
    assistant's). A row without an instruction or a response is rejected.

    Example:
        >>> from tasks import ConversationTemplate
        >>> row = {"instruction": "Say hi.", "response": "Hi!"}
        >>> (made,) = next(ConversationTemplate().process([row]))
        >>> made["conversation"]
        [{'role': 'user', 'content': 'Say hi.'}, {'role': 'assistant', 'content': 'Hi!'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "response": pl.String}
    outputs: ClassVar = {"conversation": CHAT}

    def make(self, input: Row) -> Row:
        instruction, response = text_in(input, "instruction"), text_in(input, "response")
        return {"conversation": chat(instruction, assistant=response)}
