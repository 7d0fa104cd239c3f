"""`GenerateSentencePair`: a text that goes with a given one, and one that does not."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError
from tasks.chats import chat, text_in
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, object_of
from tasks.reading.sections import Section, texts_under
from tasks.retrieval.distinct import require_distinct
from tasks.row import Row
from tasks.task import Task

_SYSTEM_PROMPT = "You write texts for training models that tell which texts belong together."


class GenerateSentencePair(Task):
    r"""Writes a positive, and with `triplet` a negative, for an anchor.

    Columns: `anchor` (str) -> `positive` (str), with `triplet` also `negative` (str).

    `action` says what the positive is to the anchor: "paraphrase", "semantically-similar", "query"
    (it asks for what the anchor says) or "answer". The negative only shares words with the anchor;
    with `hard_negative` it is easily mistaken for the positive. `context` says where the texts come
    from.

    A reply that lacks a text, or in which a text equals another or the anchor, is a rejection.
    Where the model's provider enforces schemas the reply is JSON.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import GenerateSentencePair
        >>> reply = "## Positive\nHow hot is the sun?\n\n## Negative\nHow hot is the sauna?"
        >>> writer = GenerateSentencePair(
        ...     llm=ScriptedLLM(replies=(reply,)), action="query", triplet=True, hard_negative=True
        ... )
        >>> row = next(writer.process([{"anchor": "The surface of the sun has 5,500 degrees."}]))[0]
        >>> row["positive"], row["negative"]
        ('How hot is the sun?', 'How hot is the sauna?')
    """

    version: ClassVar = 1
    inputs: ClassVar = {"anchor": pl.String}
    template: ClassVar = Prompt("generate_sentence_pair.jinja2")

    triplet: bool = False
    action: Literal["paraphrase", "semantically-similar", "query", "answer"]
    hard_negative: bool = False
    context: str = ""
    use_default_structured_output: bool | None = None

    @property
    def outputs(self) -> dict[str, Any]:
        return dict.fromkeys(("positive", "negative") if self.triplet else ("positive",), pl.String)

    @model_validator(mode="after")
    def _check_negative(self) -> Self:
        if self.hard_negative and not self.triplet:
            raise ConfigurationError("hard_negative needs triplet=True: a pair has no negative.")
        return self

    def format_input(self, input: Row) -> ChatType:
        prompt = self.template.render(
            anchor=text_in(input, "anchor"),
            action=self.action,
            triplet=self.triplet,
            hard_negative=self.hard_negative,
            context=self.context,
            structured=self.structured,
        )
        return chat(prompt, system=_SYSTEM_PROMPT)

    def format_output(self, output: str | None, input: Row) -> Row:
        negative = Section("negative", "Negative", optional=not self.triplet)
        found = texts_under(output, (Section("positive", "Positive"), negative))
        made: Row = {name: found[name] for name in self.outputs}
        require_distinct({"anchor": input["anchor"], **made})
        return made

    def response_schema(self, input: Row) -> Schema:
        return object_of(**dict.fromkeys(self.outputs, TEXT))
