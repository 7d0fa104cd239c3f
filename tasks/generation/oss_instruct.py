"""`OSSInstruct`: a programming problem and its solution, inspired by a piece of code."""

from __future__ import annotations

import re
from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, required_text, text_in
from tasks.prompt import Prompt
from tasks.row import Row
from tasks.task import Task

_SYSTEM_PROMPT = "You write programming tasks of high quality and solve them correctly."

# "[Solution]" or "**Solution:**" at the start of a line, or "## Solution" on a line of its own.
_HEADER = r"^[ \t#*_>]*(?:\[\s*{name}\s*\][ \t*_:]*|{name}[ \t*_]*(?::[ \t*_]*|$))"


class OSSInstruct(Task):
    """Invents a programming problem from a code snippet and solves it (arXiv 2312.02120).

    Columns: `code_snippet` (str) -> `problem` (str), `solution` (str).
    A reply that lacks one of the two sections, has one twice or empty, or breaks off inside a code
    block is a rejection.
    """

    version: ClassVar = 1
    inputs: ClassVar = {"code_snippet": pl.String}
    outputs: ClassVar = {"problem": pl.String, "solution": pl.String}
    template: ClassVar = Prompt("oss_instruct.jinja2")

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(code_snippet=text_in(input, "code_snippet"))
        return chat(prompt, system=_SYSTEM_PROMPT)

    def format_output(self, output: str | None, input: Row) -> Row:
        reply = required_text(output or "", "the reply").replace("\r\n", "\n")
        problem = _header(reply, "[Problem Description]", r"problem(?:[ \t]+description)?")
        solution = _header(reply, "[Solution]", "solution")
        if solution.start() < problem.end():
            raise RowRejected("the section [Solution] comes before [Problem Description]")
        sections = {
            "problem": reply[problem.end() : solution.start()].strip(),
            "solution": reply[solution.end() :].strip(),
        }
        for name, text in sections.items():
            required_text(text, f"the {name} in the reply")
            if len(re.findall(r"^\s*```", text, re.MULTILINE)) % 2:
                raise RowRejected(f"the {name} in the reply breaks off inside a code block")
        return sections


def _header(reply: str, section: str, name: str) -> re.Match[str]:
    pattern = re.compile(_HEADER.format(name=name), re.IGNORECASE | re.MULTILINE)
    found = list(pattern.finditer(reply))
    # Where the model kept to the brackets, a bare word is part of the text.
    found = [match for match in found if "[" in match[0]] or found
    if not found:
        raise RowRejected(f"the reply has no section {section}")
    if len(found) > 1:
        raise RowRejected(f"the reply has the section {section} {len(found)} times")
    return found[0]
