"""`TextGeneration`: the model's answer to an instruction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from tasks.chats import chat, required_text, system_prompt_in, text_in
from tasks.prompt import render, variables
from tasks.row import Row
from tasks.task import Task

_NOTHING_BUT_A_COLUMN = re.compile(r"\s*\{\{\s*\w+\s*\}\}\s*")


class TextGeneration(Task):
    """Asks a model and keeps its answer as it is.

    Columns: `columns` ("instruction", str, if not named) and, where it exists, `system_prompt`
    (str) -> `generation` (str).

    `template` (Jinja2) makes the prompt from the columns; it must use every one of them and no
    other name. The default template takes text only, others any value but null. The row's
    `system_prompt` wins over the attribute; an empty one means none. With `use_system_prompt` off
    neither is sent. A row without a prompt, and an empty answer, are rejections.

    Raises:
        ConfigurationError: the template does not fit the columns, or is not valid Jinja2.

    Example:
        >>> from tasks import TextGeneration
        >>> from llms import ScriptedLLM
        >>> llm = ScriptedLLM(rules={"capital of Switzerland": "Bern."})
        >>> task = TextGeneration(llm=llm, template="The capital of {{ land }}?", columns="land")
        >>> next(task.process([{"land": "Switzerland"}]))[0]["generation"]
        'Bern.'
    """

    version: ClassVar = 1
    outputs: ClassVar = {"generation": pl.String}

    system_prompt: str | None = None
    template: str = "{{ instruction }}"
    columns: str | Sequence[str] = "instruction"
    use_system_prompt: bool = True

    @property
    def inputs(self) -> dict[str, Any]:
        optional = {"system_prompt": False} if self.use_system_prompt else {}
        return {**optional, **dict.fromkeys(self._columns, pl.String if self._is_plain else True)}

    @property
    def _columns(self) -> Sequence[str]:
        return [self.columns] if isinstance(self.columns, str) else self.columns

    @property
    def _is_plain(self) -> bool:
        return _NOTHING_BUT_A_COLUMN.fullmatch(self.template) is not None

    @model_validator(mode="after")
    def _fit_template_and_columns(self) -> Self:
        used = variables(self.template)
        for name in self._columns:
            if name not in used:
                raise ConfigurationError(
                    f"The template of step {self.name!r} does not use the column {name!r}; write "
                    f"{{{{ {name} }}}} where its value belongs, or take it out of columns."
                )
        for name in sorted(used.difference(self._columns)):
            raise ConfigurationError(
                f"The template of step {self.name!r} uses {name!r}, which is not one of its "
                f"columns ({', '.join(self._columns)}); add it to columns."
            )
        return self

    def format_input(self, input: Row) -> ChatType:
        values = {name: self._value(input, name) for name in self._columns}
        prompt = required_text(render(self.template, values), "the prompt")
        system = system_prompt_in(input, self.system_prompt) if self.use_system_prompt else None
        return chat(prompt, system=system)

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": required_text(output or "", "the reply")}

    def _value(self, row: Row, name: str) -> Any:
        if self._is_plain:
            return text_in(row, name)
        if row.get(name) is None:
            raise RowRejected(f"the column {name!r} is null")
        return row[name]
