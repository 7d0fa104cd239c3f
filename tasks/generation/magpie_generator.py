"""`MagpieGenerator`: a dataset of instructions and conversations out of a model alone."""

from __future__ import annotations

from typing import ClassVar

from tasks.generation.magpie_conversations import MagpieConversations
from tasks.generator_task import GeneratorTask


class MagpieGenerator(MagpieConversations, GeneratorTask):
    """Starts a pipeline with `num_rows` rows as `Magpie` makes them (arXiv 2406.08464).

    Columns: `instruction` (str), `response` (str), or `conversation` (chat), and
    `system_prompt_key` (str), as `Magpie` has them with the same parameters.

    Each row is made on its own and drawn by its number, so more rows leave the first ones as they
    are. What cannot be made is a rejection, as in `Magpie`, and is not replaced: there are fewer
    rows then. `num_generations` makes that many of each row.

    Example:
        >>> from tasks import MagpieGenerator
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(rules={"^$": "Why is the sky blue?"}, replies=("Light scatters.",))
        >>> rows, is_last = next(MagpieGenerator(llm=llm, num_rows=3).process())
        >>> len(rows), is_last, rows[0]["instruction"], rows[0]["response"]
        (3, True, 'Why is the sky blue?', 'Light scatters.')
    """

    version: ClassVar = 1
