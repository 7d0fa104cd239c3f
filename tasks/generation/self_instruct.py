"""`SelfInstruct`: instructions that the users of an application might send."""

from __future__ import annotations

import re
from typing import ClassVar

import polars as pl
from pydantic import Field

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, list_of, object_in, object_of
from tasks.reading.numbered import items_in
from tasks.reading.plain import plain
from tasks.row import Row
from tasks.task import Task

_CRITERIA = (
    "- Vary the verbs: hardly any of them twice.\n"
    "- Mix questions with commands, short ones with long ones, easy ones with hard ones.\n"
    "- One or two sentences each, and understandable without anything beside it.\n"
    "- Only what a model that reads and writes text can do: no pictures, no actions."
)
_BARE_LIST = re.compile(r'\[\s*".*"\s*\]', re.DOTALL)


class SelfInstruct(Task):
    r"""Writes instructions for an application, inspired by a text (arXiv 2212.10560).

    Columns: `input` (str) -> `instructions` (list of str, exactly `num_instructions` different
    ones, without numbers or bullets).

    `criteria_for_query_generation` says what the instructions should be like, and
    `application_description` whom they are for. Instructions that differ in case and spaces alone
    count once; of more than asked for the first are kept; fewer are asked for again, and then a
    rejection. Where the model's provider enforces schemas the reply is JSON.

    Example:
        >>> from tasks import SelfInstruct
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(replies=("1. Name a river.\n2. Why do rivers bend?",))
        >>> task = SelfInstruct(llm=llm, num_instructions=2)
        >>> next(task.process([{"input": "The Aare bends around Bern."}]))[0]["instructions"]
        ['Name a river.', 'Why do rivers bend?']
    """

    version: ClassVar = 1
    inputs: ClassVar = {"input": pl.String}
    outputs: ClassVar = {"instructions": pl.List(pl.String)}
    template: ClassVar = Prompt("self_instruct.jinja2")

    num_instructions: int = Field(default=5, ge=1)
    criteria_for_query_generation: str = _CRITERIA
    application_description: str = "AI assistant"
    use_default_structured_output: bool | None = None

    def format_input(self, input: Row) -> ChatType:
        return chat(
            self.template.render(
                input=text_in(input, "input"),
                num_instructions=self.num_instructions,
                criteria=self.criteria_for_query_generation,
                application_description=self.application_description,
                structured=self.structured,
            )
        )

    def format_output(self, output: str | None, input: Row) -> Row:
        different: dict[str, str] = {}
        for item in _items(plain(output)):
            different.setdefault(" ".join(item.casefold().split()), item.strip())
        different.pop("", None)
        if len(different) < self.num_instructions:
            raise RowRejected(
                f"the reply has {len(different)} different instructions, and "
                f"{self.num_instructions} were asked for"
            )
        return {"instructions": list(different.values())[: self.num_instructions]}

    def response_schema(self, input: Row) -> Schema:
        return object_of(instructions=list_of(TEXT, self.num_instructions))


def _items(text: str) -> list[str]:
    if _BARE_LIST.fullmatch(text):
        text = f'{{"instructions": {text}}}'
    found = object_in(text, object_of(instructions=list_of(TEXT)))
    items: list[str] = items_in(text) if found is None else found["instructions"]
    return items
