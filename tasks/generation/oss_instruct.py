"""`OSSInstruct`: a programming problem and its solution, inspired by a piece of code."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.sections import Section, sections_in
from tasks.row import Row
from tasks.task import Task

_SYSTEM_PROMPT = "You write programming tasks of high quality and solve them correctly."

_SECTIONS = (
    Section("problem", "Problem Description", ("Problem",)),
    Section("solution", "Solution"),
)


class OSSInstruct(Task):
    r"""Invents a programming problem from a code snippet and solves it (arXiv 2312.02120).

    Columns: `code_snippet` (str) -> `problem` (str), `solution` (str).
    A reply that lacks one of the two sections, has one twice or empty, or breaks off inside a code
    block is a rejection.

    Example:
        >>> from tasks import OSSInstruct
        >>> from llms import ScriptedLLM
        >>> reply = "[Problem Description]\nAdd two numbers.\n[Solution]\nadd = lambda a, b: a + b"
        >>> task = OSSInstruct(llm=ScriptedLLM(replies=(reply,)))
        >>> row = next(task.process([{"code_snippet": "total += price"}]))[0]
        >>> row["problem"], row["solution"]
        ('Add two numbers.', 'add = lambda a, b: a + b')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"code_snippet": pl.String}
    outputs: ClassVar = {"problem": pl.String, "solution": pl.String}
    template: ClassVar = Prompt("oss_instruct.jinja2")

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(code_snippet=text_in(input, "code_snippet"))
        return chat(prompt, system=_SYSTEM_PROMPT)

    def format_output(self, output: str | None, input: Row) -> Row:
        return {**sections_in(output, _SECTIONS)}
