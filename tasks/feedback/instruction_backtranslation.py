"""`InstructionBacktranslation`: how good a text is as the answer to an instruction."""

from __future__ import annotations

import re
from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, required_text, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, object_in, object_of, one_of
from tasks.reading.numbers import whole_on_scale
from tasks.reading.plain import plain
from tasks.row import Row
from tasks.task import Task

_SCORE = re.compile(
    r"(?:^|(?<=[.!?])[ \t]+)[^\w\n]*(?:(?:my|the|final|overall)[ \t]+)*(?:score|rating)"
    r"(?:[ \t]+is\b)?[ \t*_]*(?:[:=\uff1a]|[\u2013-](?=[ \t]))?[ \t*_<]*"
    r"(?P<score>[-+]?\d[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_REASON = re.compile(r"\A[\s*_#]*(?:reason(?:ing)?|rationale)[ \t*_]*[:\uff1a][ \t*_]*", re.I)


class InstructionBacktranslation(Task):
    r"""Scores a text as the answer to an instruction, to curate found pairs (arXiv 2308.06259).

    Columns: `instruction` (str), `generation` (str) -> `score` (int, 1 to 5), `reason` (str).

    The score is the whole number on the line that says "Score:", be it before or after the reason.
    A reply without one, with several that differ, with one off the scale (10, 4.5) or without a
    reason is a rejection. Where the model's provider enforces schemas the reply is JSON.

    Example:
        >>> from tasks import InstructionBacktranslation
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(replies=("Correct, but it rambles.\nScore: 4",))
        >>> row = {"instruction": "Name a river.", "generation": "Well, let me see: the Aare."}
        >>> made = next(InstructionBacktranslation(llm=llm).process([row]))[0]
        >>> made["score"], made["reason"]
        (4, 'Correct, but it rambles.')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String, "generation": pl.String}
    outputs: ClassVar = {"score": pl.Int64, "reason": pl.String}
    template: ClassVar = Prompt("instruction_backtranslation.jinja2")

    use_default_structured_output: bool | None = None

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            instruction=text_in(input, "instruction"),
            generation=text_in(input, "generation"),
            structured=self.structured,
        )
        return chat(prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        text = plain(output)
        found = object_in(text, self.response_schema(input))
        if found is None:
            scores = {
                whole_on_scale(match["score"].rstrip("> \t"), 1, 5, "the score")
                for match in _SCORE.finditer(text)
            }
            if len(scores) != 1:
                how_many = f"{len(scores)} different scores" if scores else "no score"
                raise RowRejected(f"the reply has {how_many}, not one line 'Score: <1 to 5>'")
            found = {"score": scores.pop(), "reason": _REASON.sub("", _SCORE.sub("", text))}
        reason = required_text(found["reason"], "the reason in the reply").strip()
        return {"score": found["score"], "reason": reason}

    def response_schema(self, input: Row) -> Schema:
        return object_of(reason=TEXT, score=one_of(1, 2, 3, 4, 5))
