"""`FormatTextGenerationSFT`: a chat for supervised fine-tuning."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.formatting.row_by_row import add_columns, prompt_id
from tasks.generated import CHAT
from tasks.generation.chats import chat, system_prompt_in, text_in
from tasks.outcome import Outcome, StepContext
from tasks.row import Row
from tasks.step import Step


class FormatTextGenerationSFT(Step):
    """Makes an instruction and its answer a chat to train on.

    Columns: `instruction` (str), `generation` (str) and, where it exists, `system_prompt` (str) ->
    `prompt` (str), `prompt_id` (str, SHA-256 of the prompt), `messages` (chat). A row without an
    instruction or a generation is rejected.
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "system_prompt": False,
        "instruction": pl.String,
        "generation": pl.String,
    }
    outputs: ClassVar = {"prompt": pl.String, "prompt_id": pl.String, "messages": CHAT}

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        return add_columns(frame, _messages, self.outputs, step=self.name, context=context)


def _messages(row: Row) -> Row:
    prompt, answer = text_in(row, "instruction"), text_in(row, "generation")
    return {
        "prompt": prompt,
        "prompt_id": prompt_id(prompt),
        "messages": chat(prompt, system=system_prompt_in(row), assistant=answer),
    }
