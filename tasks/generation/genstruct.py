"""`Genstruct`: an instruction and its answer, grounded in a document."""

from __future__ import annotations

import re
from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import Schema
from tasks.reading.sections import Section, schema_of, texts_under
from tasks.row import Row
from tasks.task import Task

_SECTIONS = (
    Section("user", "User", ("Human", "Question"), implied=True),
    Section("assistant", "Assistant", ("Answer",)),
)
_MARKER = re.compile(r"[ \t]*(?=\[\[\[)")


class Genstruct(Task):
    r"""Writes a user's task and its answer out of a document (arXiv 2310.04484).

    Columns: `title` (str), `content` (str) -> `user` (str), `assistant` (str).

    The prompt has the markers of the model Genstruct-7B, which opens its reply with the user's
    words; other models name both sides, with those markers or with headers of their own. A reply
    without an assistant's part, or with one of the parts empty or twice, is a rejection.

    Example:
        >>> from tasks import Genstruct
        >>> from llms import ScriptedLLM
        >>> reply = "[[[User]]] A pint is 568 ml. How much are two?\n[[[Assistant]]] 1136 ml."
        >>> task = Genstruct(llm=ScriptedLLM(replies=(reply,)))
        >>> row = next(task.process([{"title": "Pint", "content": "A pint is 568 ml."}]))[0]
        >>> row["user"], row["assistant"]
        ('A pint is 568 ml. How much are two?', '1136 ml.')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"title": pl.String, "content": pl.String}
    outputs: ClassVar = {"user": pl.String, "assistant": pl.String}
    template: ClassVar = Prompt("genstruct.jinja2")

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            title=text_in(input, "title"),
            content=text_in(input, "content"),
            structured=self.structured,
        )
        return chat(prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        return {**texts_under(_MARKER.sub("\n", output or ""), _SECTIONS)}

    def response_schema(self, input: Row) -> Schema:
        return schema_of(_SECTIONS)
