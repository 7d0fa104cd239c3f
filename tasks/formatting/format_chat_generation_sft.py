"""`FormatChatGenerationSFT`: a chat with its answer, for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.chats import prompt_id, text_in, unanswered_chat
from tasks.generated import CHAT
from tasks.row import Row
from tasks.row_step import RowStep


class FormatChatGenerationSFT(RowStep):
    """Puts an answer at the end of its chat, to train on.

    Columns: `messages` (chat that ends with the user), `generation` (str) -> `prompt` (str, the
    first user turn), `prompt_id` (str, SHA-256 of the prompt), `messages` (the chat with the
    answer). The chat with the answer takes the place of the one without, because trainers read
    `messages`; `output_mappings={"messages": "chat"}` keeps both. Chats that begin alike have the
    same `prompt_id`. A row is rejected if its chat does not end with the user or there is no
    generation.

    Example:
        >>> from tasks import FormatChatGenerationSFT
        >>> row = {"messages": [{"role": "user", "content": "Say hi."}], "generation": "Hi!"}
        >>> (made,) = next(FormatChatGenerationSFT().process([row]))
        >>> made["messages"]
        [{'role': 'user', 'content': 'Say hi.'}, {'role': 'assistant', 'content': 'Hi!'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"messages": CHAT, "generation": pl.String}
    outputs: ClassVar = {"prompt": pl.String, "prompt_id": pl.String, "messages": CHAT}

    def make(self, input: Row) -> Row:
        chat, answer = unanswered_chat(input, "messages"), text_in(input, "generation")
        return {
            "prompt": chat.prompt,
            "prompt_id": prompt_id(chat.prompt),
            "messages": [*chat.turns, {"role": "assistant", "content": answer}],
        }
