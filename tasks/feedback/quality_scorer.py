"""`QualityScorer`: how good several responses to one instruction are."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, text_in, texts_in
from tasks.feedback.scorer import Scorer
from tasks.prompt import Prompt
from tasks.row import Row


class QualityScorer(Scorer):
    r"""Scores the quality of responses to one instruction, seen side by side (arXiv 2312.15685).

    Columns: `instruction` (str), `responses` (list of str) -> `scores` (list of float), one for
    each response in their order, from 1 (useless) to 6 (cannot be improved), as in the paper,
    however many responses there are. A fraction is kept.

    A reply that does not have exactly one score on the scale for each response is a rejection.
    Where the model's provider enforces schemas the reply is JSON, with whole scores.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import QualityScorer
        >>> scorer = QualityScorer(llm=ScriptedLLM(replies=("[1] Score: 5\n[2] Score: 1",)))
        >>> row = {"instruction": "Add 2 and 2.", "responses": ["2 + 2 = 4", "22"]}
        >>> next(scorer.process([row]))[0]["scores"]
        [5.0, 1.0]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "responses": pl.List(pl.String)}
    scored: ClassVar = "responses"
    template: ClassVar = Prompt("quality_scorer.jinja2")

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            instruction=text_in(input, "instruction"),
            responses=texts_in(input, "responses"),
            structured=self.structured,
        )
        return chat(prompt)
