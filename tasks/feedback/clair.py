"""`CLAIR`: a student's solution, improved a little."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import Schema
from tasks.reading.sections import Section, schema_of, texts_under
from tasks.row import Row
from tasks.task import Task

_SECTIONS = (
    Section("rational", "Teacher Reasoning", ("teacher_reasoning", "Reasoning"), implied=True),
    Section(
        "revision",
        "Corrected Student Solution",
        ("corrected_student_solution", "Worsened Student Solution", "worsened_student_solution"),
    ),
)


class CLAIR(Task):
    r"""Improves a solution as little as needed, for preference pairs (arXiv 2408.06266).

    The revision and the solution it came from differ in little else than what makes one better.

    Columns: `task` (str), `student_solution` (str) -> `revision` (str), `rational` (str, why it was
    revised so; spelled as in the original).

    A `system_prompt` of your own may ask for a worse solution instead; its header, "Worsened
    Student Solution", is read as well. A reply without exactly one revision, without a reason, or
    with a revision that is the student's solution again is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import CLAIR
        >>> reply = "[Teacher Reasoning]\nOff by one.\n\n[Corrected Student Solution]\nIt is 4."
        >>> teacher = CLAIR(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"task": "Add 2 and 2.", "student_solution": "It is 5."}
        >>> made = next(teacher.process([row]))[0]
        >>> made["revision"], made["rational"]
        ('It is 4.', 'Off by one.')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"task": pl.String, "student_solution": pl.String}
    outputs: ClassVar = {"revision": pl.String, "rational": pl.String}
    template: ClassVar = Prompt("clair.jinja2")

    system_prompt: str = (
        "You are a teacher who improves students' solutions with as few changes as possible. Make "
        "the solution more correct, clearer and more engaging where it needs that, and keep every "
        "word that is good enough as it is. The improved solution must stand for itself: it never "
        "says that it was revised."
    )

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            task=text_in(input, "task"),
            student_solution=text_in(input, "student_solution"),
            structured=self.structured,
        )
        return chat(prompt, system=self.system_prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        found = texts_under(output, _SECTIONS)
        if found["revision"].split() == input["student_solution"].split():
            raise RowRejected("the revision is the student's solution without a change")
        return {name: found[name] for name in self.outputs}

    def response_schema(self, input: Row) -> Schema:
        return schema_of(_SECTIONS)
