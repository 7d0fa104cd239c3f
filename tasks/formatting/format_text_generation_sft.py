"""`FormatTextGenerationSFT`: a chat for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.chats import chat, prompt_id, system_prompt_in, text_in
from tasks.generated import CHAT
from tasks.row import Row
from tasks.row_step import RowStep


class FormatTextGenerationSFT(RowStep):
    """Makes an instruction and its answer a chat to train on.

    Columns: `instruction` (str), `generation` (str) and, where it exists, `system_prompt` (str) ->
    `prompt` (str), `prompt_id` (str, SHA-256 of the prompt), `messages` (chat). A row without an
    instruction or a generation is rejected.

    Example:
        >>> from tasks import FormatTextGenerationSFT
        >>> row = {"instruction": "Say hi.", "generation": "Hi!"}
        >>> (made,) = next(FormatTextGenerationSFT().process([row]))
        >>> made["messages"]
        [{'role': 'user', 'content': 'Say hi.'}, {'role': 'assistant', 'content': 'Hi!'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "system_prompt": False,
        "instruction": pl.String,
        "generation": pl.String,
    }
    outputs: ClassVar = {"prompt": pl.String, "prompt_id": pl.String, "messages": CHAT}

    def make(self, input: Row) -> Row:
        prompt, answer = text_in(input, "instruction"), text_in(input, "generation")
        return {
            "prompt": prompt,
            "prompt_id": prompt_id(prompt),
            "messages": chat(prompt, system=system_prompt_in(input), assistant=answer),
        }
