"""`MutationTask`: what all tasks share that rewrite texts by mutations drawn at random."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from random import Random
from typing import ClassVar, Self

from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.ask import Ask, Reading
from tasks.chats import chat
from tasks.evolution.rewritten import rewritten_in
from tasks.evolution.templates import check_template, filled
from tasks.row import Row
from tasks.task import Task


class MutationTask(Task):
    """Asks for texts to be rewritten, each time with a mutation drawn at random.

    `mutation_templates` maps names to templates, which are Jinja2 with the columns of the task, or
    have distilabel's marks `<PROMPT>` and `<RESPONSE>`; None are ours. The draw derives from the
    row, the round and `seed`.
    """

    version: ClassVar = 1
    mutated: ClassVar[str]
    """The column that holds the text to rewrite."""
    reads: ClassVar[tuple[str, ...]]
    """The columns that a template gets."""

    mutation_templates: Mapping[str, str] | None = Field(default=None, min_length=1)
    seed: int = 42

    @property
    @abstractmethod
    def own_templates(self) -> Mapping[str, str]:
        """The templates used where none are given."""

    @property
    def templates(self) -> Mapping[str, str]:
        """The mutation templates by name."""
        return self.own_templates if self.mutation_templates is None else self.mutation_templates

    @model_validator(mode="after")
    def _check_templates(self) -> Self:
        for name, template in (self.mutation_templates or {}).items():
            self.check_template(name, template)
        return self

    def check_template(self, name: str, template: str) -> None:
        """Raise `ConfigurationError` for a template that cannot be used."""
        check_template(name, template, self.mutated, set(self.reads))

    def draw(self, random: Random) -> Row:
        return {"mutation": random.choice(sorted(self.templates))}

    def format_input(self, input: Row) -> ChatType:
        """Return the chat that asks for the `mutation` that the row names."""
        values = {name: input[name] for name in self.reads if name in input}
        return chat(filled(self.templates[input["mutation"]], values))

    def format_output(self, output: str | None, input: Row) -> Row:
        """Return the rewriting of the row's text."""
        return {self.mutated: rewritten_in(output, [input[self.mutated]])}

    async def rewrite(self, row: Row, read: Callable[[str], str], ask: Ask) -> Reading[str]:
        """Ask for a row's text to be rewritten; a reply that was cut is a failure."""
        reading = await ask.read(self.format_input(row), read)
        if reading.exchanges[-1].completion.finish_reason == "length":
            cut = RowRejected("the rewritten text was cut at the token limit")
            return Reading(cut, reading.exchanges)
        return reading


def with_method(frame: str, methods: Mapping[str, str]) -> dict[str, str]:
    """Return a template for each method: the frame with the method's text in it."""
    return {name: frame.replace("{{ method }}", text.strip()) for name, text in methods.items()}
