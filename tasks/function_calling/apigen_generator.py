"""`APIGenGenerator`: what a user might ask, with the function calls that answer it."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, ClassVar

import polars as pl
from pydantic import field_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from tasks.ask import Ask
from tasks.chats import chat, text_in
from tasks.function_calling.calls import as_json
from tasks.function_calling.pairs import pairs_in, pairs_schema
from tasks.generated import Generated
from tasks.prompt import Prompt
from tasks.reading.json_object import Schema
from tasks.row import Row
from tasks.task import Task

_IDENTIFIER = re.compile(r"[A-Za-z_][\w.-]*")


class APIGenGenerator(Task):
    r"""Writes queries and the calls of a function that answer them (arXiv 2406.18518).

    Columns: `examples` (str), `func_name` (str), `func_desc` (str) and, where it exists, `tools`
    (functions that may be called as well: JSON text, lists or objects) -> `query` (str), `answers`
    (str, a JSON list of objects with `name` and `arguments`, which are JSON values of any type).

    `number` pairs are asked for in one reply: a number, a list to draw one from, or {number:
    weight}; a row draws the same in every run. Each pair becomes a row of its own, whose metadata
    tells of the whole reply; more than asked for are left out. With `use_tools` off, `tools` is
    neither shown nor called.

    A reply with fewer different queries than asked for, a query without a call, and a call of a
    function that is neither `func_name` nor among the `tools` are asked for again, and then a
    rejection. Where the model's provider enforces schemas the reply follows one.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import APIGenGenerator
        >>> call = '{"name": "add", "arguments": {"numbers": [2, 3]}}'
        >>> reply = '```json\n{"pairs": [{"query": "What is 2 + 3?", "answers": [%s]}]}\n```' % call
        >>> task = APIGenGenerator(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"examples": "...", "func_name": "add", "func_desc": "Adds numbers up."}
        >>> made = next(task.process([row]))[0]
        >>> made["query"], made["answers"]
        ('What is 2 + 3?', '[{"name": "add", "arguments": {"numbers": [2, 3]}}]')
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "examples": pl.String,
        "func_name": pl.String,
        "func_desc": pl.String,
        "tools": False,
    }
    outputs: ClassVar = {"query": pl.String, "answers": pl.String}
    template: ClassVar = Prompt("apigen_generator.jinja2")

    system_prompt: str | None = (
        "You write data from which models learn to call functions: requests as real people make "
        "them, each with the calls that serve it exactly."
    )
    number: int | list[int] | dict[int, float] = 1
    use_tools: bool = True
    use_default_structured_output: bool | None = None

    @field_validator("number")
    @classmethod
    def _check_numbers(
        cls, value: int | list[int] | dict[int, float]
    ) -> int | list[int] | dict[int, float]:
        numbers = [value] if isinstance(value, int) else list(value)
        weights = list(value.values()) if isinstance(value, dict) else [1.0]
        if not numbers or min(numbers) < 1 or min(weights) < 0 or sum(weights) <= 0:
            raise ConfigurationError(
                "number is how many pairs to ask for: 1 or more, a list of such numbers, or "
                "{number: weight} with weights of which one is above 0."
            )
        return value

    def draw(self, random: Random) -> Row:
        if isinstance(self.number, int):
            return {"number": self.number}
        weights = list(self.number.values()) if isinstance(self.number, dict) else None
        return {"number": random.choices(list(self.number), weights)[0]}

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        return [
            Generated(outputs, reply.exchanges)
            for reply in await super().answer(input, ask)
            for outputs in _apart(reply.outputs)
        ]

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            examples=text_in(input, "examples"),
            func_name=text_in(input, "func_name"),
            func_desc=text_in(input, "func_desc"),
            tools=self._tools(input),
            number=input["number"],
        )
        return chat(prompt, system=self.system_prompt)

    def format_output(self, output: str | None, input: Row) -> Row:
        pairs, number = pairs_in(output, self._names(input)), input["number"]
        if len(pairs) < number:
            raise RowRejected(
                f"the reply has {len(pairs)} different queries, and {number} were asked for"
            )
        return {
            "query": [pair.query for pair in pairs[:number]],
            "answers": [as_json(pair.calls) for pair in pairs[:number]],
        }

    def response_schema(self, input: Row) -> Schema:
        return pairs_schema(self._names(input), input["number"])

    def _tools(self, row: Row) -> str:
        """Return the further functions as they are shown."""
        tools = row.get("tools") if self.use_tools else None
        if tools is None or isinstance(tools, str):
            return (tools or "").strip()
        return json.dumps(tools, ensure_ascii=False, default=str)

    def _names(self, row: Row) -> list[str]:
        """Return the names of the functions that may be called."""
        tools = self._tools(row)
        try:
            named = _names_in(json.loads(tools)) if tools else []
        except ValueError:
            named = _IDENTIFIER.findall(tools)
        return list(dict.fromkeys([text_in(row, "func_name").strip(), *named]))


def _names_in(tools: Any) -> list[str]:
    """Return the names in descriptions of functions, which chat APIs put one level down."""
    if isinstance(tools, list):
        return [name for tool in tools for name in _names_in(tool)]
    if not isinstance(tools, dict):
        return [tools] if isinstance(tools, str) else []
    name = tools.get("name")
    return [name] if isinstance(name, str) else _names_in(tools.get("function"))


def _apart(outputs: Row | RowRejected) -> list[Row] | list[RowRejected]:
    if isinstance(outputs, RowRejected):
        return [outputs]
    pairs = zip(outputs["query"], outputs["answers"], strict=True)
    return [{"query": query, "answers": answers} for query, answers in pairs]
