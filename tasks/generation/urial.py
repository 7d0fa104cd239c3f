"""`URIAL`: an answer from a model that was never tuned to follow instructions."""

from __future__ import annotations

import re
from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, required_text, text_in, unanswered_chat
from tasks.prompt import Prompt
from tasks.row import Row
from tasks.task import Task

_NEXT_TURN = re.compile(r"^[ \t]*#+[ \t]*(?:user|assistant)[ \t]*:?[ \t]*$", re.I | re.M)
_OWN_HEADER = re.compile(r"\A\s*#+[ \t]*assistant[ \t]*:?[ \t]*$", re.I | re.M)


class URIAL(Task):
    r"""Answers with a base model, which a few conversations show how to (arXiv 2312.01552).

    Columns: `instruction` (str) or `conversation` (chat whose last turn is the user's), whichever a
    row has, and the instruction where it has both -> `generation` (str).

    The examples, the conversation and the open turn of the assistant are sent as one user turn, so
    the server of a base model needs a chat template that writes the text of a turn and nothing
    else. The answer ends where the model goes on with the next turn; an empty one is a rejection,
    as is a row that has neither column. A system turn in the conversation is one of its turns.

    Example:
        >>> from tasks import URIAL
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(replies=("Bern.\n\n# User\nAnd of France?",))
        >>> row = {"instruction": "What is the capital of Switzerland?"}
        >>> next(URIAL(llm=llm).process([row]))[0]["generation"]
        'Bern.'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": False, "conversation": False}
    outputs: ClassVar = {"generation": pl.String}
    template: ClassVar = Prompt("urial.jinja2")

    def format_input(self, input: Row) -> ChatType:
        return chat(self.template.render(turns=_turns(input)))

    def format_output(self, output: str | None, input: Row) -> Row:
        text = _OWN_HEADER.sub("", (output or "").replace("\r\n", "\n"), count=1)
        for match in _NEXT_TURN.finditer(text):
            if text.count("```", 0, match.start()) % 2 == 0:
                text = text[: match.start()]
                break
        return {"generation": required_text(text, "the answer").strip()}


def _turns(row: Row) -> ChatType:
    if row.get("instruction") is not None:
        return chat(text_in(row, "instruction"))
    if row.get("conversation") is None:
        raise RowRejected("the row has neither an 'instruction' nor a 'conversation'")
    return unanswered_chat(row, "conversation").turns
