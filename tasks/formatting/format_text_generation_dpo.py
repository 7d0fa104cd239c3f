"""`FormatTextGenerationDPO`: a preference pair from rated generations."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.chats import chat, system_prompt_in, text_in
from tasks.formatting.preference_pair import (
    PAIR_INPUTS,
    PAIR_OUTPUTS,
    pair_types,
    preference_pair,
)
from tasks.frames import Schema
from tasks.row import Row
from tasks.row_step import RowStep


class FormatTextGenerationDPO(RowStep):
    """Makes the best and the worst rated generation a pair for preference training.

    Columns: `instruction` (str), `generations` (list of str), `ratings` (list of numbers), where
    they exist `system_prompt` (str) and `generation_models` (list of str) -> `prompt` (str),
    `prompt_id` (str, SHA-256 of the prompt), `chosen`, `rejected` (chats), `chosen_rating`,
    `rejected_rating` (as in `ratings`) and, with `generation_models`, `chosen_model`,
    `rejected_model` (str).

    Of equal ratings the first one counts. A row is rejected if all ratings are equal, one is
    missing, the lists are not equally long, or the pair would be the same text twice.

    Example:
        >>> from tasks import FormatTextGenerationDPO
        >>> row = {"instruction": "Add 2 and 2.", "generations": ["4", "5"], "ratings": [5, 1]}
        >>> (pair,) = next(FormatTextGenerationDPO().process([row]))
        >>> pair["rejected"]
        [{'role': 'user', 'content': 'Add 2 and 2.'}, {'role': 'assistant', 'content': '5'}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"system_prompt": False, "instruction": pl.String, **PAIR_INPUTS}
    outputs: ClassVar = PAIR_OUTPUTS

    def types(self, before: Schema) -> Schema:
        return pair_types(before)

    def make(self, input: Row) -> Row:
        prompt = text_in(input, "instruction")
        return preference_pair(input, prompt, chat(prompt, system=system_prompt_in(input)))
