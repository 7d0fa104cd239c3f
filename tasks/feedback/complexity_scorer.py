"""`ComplexityScorer`: how hard several instructions are to answer."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, texts_in
from tasks.feedback.scorer import Scorer
from tasks.prompt import Prompt
from tasks.row import Row


class ComplexityScorer(Scorer):
    r"""Scores how complex instructions are, seen side by side (arXiv 2312.15685).

    Columns: `instructions` (list of str) -> `scores` (list of float), one for each instruction in
    their order, from 1 (trivial) to 6 (too hard for the judge), as in the paper, however many
    instructions there are. A fraction is kept.

    A reply that does not have exactly one score on the scale for each instruction is a rejection.
    Where the model's provider enforces schemas the reply is JSON, with whole scores.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import ComplexityScorer
        >>> scorer = ComplexityScorer(llm=ScriptedLLM(replies=("[1] Score: 1\n[2] Score: 4.5",)))
        >>> rows = next(scorer.process([{"instructions": ["Say hi.", "Prove that pi > 3."]}]))
        >>> rows[0]["scores"]
        [1.0, 4.5]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instructions": pl.List(pl.String)}
    scored: ClassVar = "instructions"
    template: ClassVar = Prompt("complexity_scorer.jinja2")

    def format_input(self, input: Row) -> ChatType:
        instructions = texts_in(input, "instructions")
        return chat(self.template.render(instructions=instructions, structured=self.structured))
