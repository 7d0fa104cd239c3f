"""`MathShepherd`: what the tasks of Math-Shepherd share: rules, examples, solutions as JSON."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError
from tasks.chats import chat
from tasks.math.solutions import SCHEMA
from tasks.prompt import Prompt, render, variables
from tasks.reading.json_object import Schema
from tasks.row import Row
from tasks.task import Task

_JSON = """\
Reply with one JSON object: `steps` is the list of the steps, each one line of text without its
"Step n:", and `answer` is the X of "The answer is: X"."""


class MathShepherd(Task):
    """A task that has solutions written step by step.

    `system_prompt` is Jinja2 and may use `extra_rules`, `few_shots` and `structured_prompt`.
    """

    version: ClassVar = 1
    rules_gsm8k: ClassVar = Prompt("gsm8k_rules.jinja2")
    rules_math: ClassVar = Prompt("math_rules.jinja2")

    system_prompt: str | None
    extra_rules: str | None = Field(default_factory=lambda: MathShepherd.rules_gsm8k.text)
    few_shots: str | None

    @model_validator(mode="after")
    def _check_system_prompt(self) -> Self:
        known = {"extra_rules", "few_shots", "structured_prompt"}
        for name in sorted(variables(self.system_prompt or "") - known):
            raise ConfigurationError(
                f"The system_prompt of step {self.name!r} uses {name!r}; it may use "
                f"{', '.join(sorted(known))}."
            )
        return self

    def response_schema(self, input: Row) -> Schema:
        return SCHEMA

    @property
    def schema_asked(self) -> Schema | None:
        """The schema that requests are sent with."""
        return SCHEMA if self.structured else None

    def asking(self, problem: str) -> ChatType:
        """Return the chat that asks about a problem."""
        values = {
            "extra_rules": (self.extra_rules or "").strip(),
            "few_shots": (self.few_shots or "").strip(),
            "structured_prompt": _JSON if self.structured else "",
        }
        system = render(self.system_prompt, values) if self.system_prompt else None
        return chat(problem, system=system)
