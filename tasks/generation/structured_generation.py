"""`StructuredGeneration`: an answer that follows the row's own schema or regular expression."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import chat, required_text, system_prompt_in, text_in
from tasks.generation.asked_form import asked_form, in_full
from tasks.reading.json_object import TEXT, Schema, object_in, object_of
from tasks.reading.plain import plain
from tasks.row import Row
from tasks.task import Task

_IN_WORDS = """\
{instruction}

The whole of your reply, with nothing before or after it, must match this regular expression:
{regex}"""
_WRAPPED = object_of(text=TEXT)


class StructuredGeneration(Task):
    r"""Answers an instruction in the form that its row asks for.

    Columns: `instruction` (str), `structured_output` (struct of `format` and `schema`) and, with
    `use_system_prompt`, `system_prompt` (str) where it exists -> `generation` (str).

    With `format` "json", `schema` is the JSON schema of an object, and `generation` the text of a
    JSON object that follows it: enforced where the model's provider enforces schemas, and otherwise
    asked for in words, checked and asked for again. With "regex", `schema` is a regular expression
    that the whole of `generation` matches: a model whose provider enforces schemas is held to it
    (by llama.cpp only without look-around and boundaries), any other is told, checked and told
    again.

    A row whose `structured_output` is missing or invalid is a rejection, as is one whose reply does
    not follow it. A column has one type, so give schemas that differ in shape, or stand beside
    regular expressions, as JSON text; in a struct, what is null in a row counts as left out.

    Example:
        >>> from tasks import StructuredGeneration
        >>> from llms import ScriptedLLM
        >>> properties = {"name": {"type": "string"}, "age": {"type": "integer"}}
        >>> schema = {"type": "object", "properties": properties, "required": ["name", "age"]}
        >>> task = StructuredGeneration(llm=ScriptedLLM(replies=('{"name": "Ada", "age": 36}',)))
        >>> asked = {"format": "json", "schema": schema}
        >>> row = {"instruction": "Invent a person.", "structured_output": asked}
        >>> next(task.process([row]))[0]["generation"]
        '{"name": "Ada", "age": 36}'
    """

    version: ClassVar = 1
    outputs: ClassVar = {"generation": pl.String}

    use_system_prompt: bool = False

    @property
    def inputs(self) -> dict[str, Any]:
        optional = {"system_prompt": False} if self.use_system_prompt else {}
        return {"instruction": pl.String, "structured_output": True, **optional}

    @property
    def structured(self) -> bool:
        return True

    def format_input(self, input: Row) -> ChatType:
        instruction = text_in(input, "instruction")
        regex = asked_form(input, "structured_output").regex
        if regex is not None and not self.llm.supports.structured_output:
            instruction = _IN_WORDS.format(instruction=instruction, regex=regex.pattern)
        system = system_prompt_in(input) if self.use_system_prompt else None
        return chat(instruction, system=system)

    def format_output(self, output: str | None, input: Row) -> Row:
        regex = asked_form(input, "structured_output").regex
        said = output or ""
        if regex is None:
            return {"generation": required_text(said, "the reply")}
        found = object_in(plain(said), _WRAPPED) if self.llm.supports.structured_output else None
        for text in (said, plain(said)) if found is None else (found["text"],):
            if regex.fullmatch(text):
                return {"generation": text}
        raise RowRejected(f"the reply does not match {regex.pattern!r:.200} as a whole")

    def response_schema(self, input: Row) -> Schema | None:
        asked = asked_form(input, "structured_output")
        if asked.regex is None or not self.llm.supports.structured_output:
            return asked.schema
        return object_of(text={**TEXT, "pattern": f"^(?:{in_full(asked.regex.pattern)})$"})
