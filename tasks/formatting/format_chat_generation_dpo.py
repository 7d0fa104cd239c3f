"""`FormatChatGenerationDPO`: a preference pair from rated answers to a chat."""

from __future__ import annotations

from typing import ClassVar

from tasks.chats import unanswered_chat
from tasks.formatting.preference_pair import (
    PAIR_INPUTS,
    PAIR_OUTPUTS,
    pair_types,
    preference_pair,
)
from tasks.frames import Schema
from tasks.generated import CHAT
from tasks.row import Row
from tasks.row_step import RowStep


class FormatChatGenerationDPO(RowStep):
    """Makes the best and the worst rated answer to a chat a pair for preference training.

    Columns: `messages` (chat that ends with the user), `generations` (list of str), `ratings` (list
    of numbers) and, where it exists, `generation_models` (list of str) -> `prompt` (str, the first
    user turn), `prompt_id` (str, SHA-256 of the prompt), `chosen`, `rejected` (the chat with the
    answer), `chosen_rating`, `rejected_rating` (as in `ratings`) and, with `generation_models`,
    `chosen_model`, `rejected_model` (str). Chats that begin alike have the same `prompt_id`.

    Of equal ratings the first one counts. A row is rejected if all ratings are equal, one is
    missing, the lists are not equally long, the pair would be the same text twice, or the chat does
    not end with the user.

    Example:
        >>> from tasks import FormatChatGenerationDPO
        >>> messages = [{"role": "user", "content": "Add 2 and 2."}]
        >>> row = {"messages": messages, "generations": ["4", "5"], "ratings": [5, 1]}
        >>> (pair,) = next(FormatChatGenerationDPO().process([row]))
        >>> pair["chosen"]
        [{'role': 'user', 'content': 'Add 2 and 2.'}, {'role': 'assistant', 'content': '4'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"messages": CHAT, **PAIR_INPUTS}
    outputs: ClassVar = PAIR_OUTPUTS

    def types(self, before: Schema) -> Schema:
        return pair_types(before)

    def make(self, input: Row) -> Row:
        chat = unanswered_chat(input, "messages")
        return preference_pair(input, chat.prompt, chat.turns)
