"""`EmbeddingData`: what the tasks that write texts for embedding models have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, ClassVar

import polars as pl

from llms.chat import ChatType
from tasks.chats import chat, text_in
from tasks.choices import random_for
from tasks.declaration import required
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, json_object, object_of, texts_of
from tasks.retrieval.distinct import require_distinct
from tasks.row import Row
from tasks.task import Task


class EmbeddingData(Task):
    """Asks for a JSON object of texts, the columns `texts`, that all differ (arXiv 2401.00368).

    `parameters` are what shapes the prompt besides the inputs, and the values from which one is
    drawn where the parameter is None: anew for each generation of each row, from the row's key and
    `seed`. A parameter that is set leaves the draws of the others as they are.
    """

    version: ClassVar = 1
    template: ClassVar[Prompt]
    texts: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[Mapping[str, Sequence[Any]]] = {}

    seed: int = 42
    use_default_structured_output: bool | None = None

    @property
    def outputs(self) -> dict[str, Any]:
        return dict.fromkeys(self.texts, pl.String)

    def draw(self, random: Random) -> Row:
        own = str(random.getrandbits(64))
        drawn = {}
        for name, values in self.parameters.items():
            given = getattr(self, name, None)
            drawn[name] = (
                random_for(own, self.seed, name).choice(values) if given is None else given
            )
        return drawn

    def format_input(self, input: Row) -> ChatType:
        texts = {name: text_in(input, name) for name in required(self.inputs)}
        drawn = {name: input[name] for name in self.parameters}
        return chat(self.template.render(**texts, **drawn))

    def format_output(self, output: str | None, input: Row) -> Row:
        found = texts_of(json_object(output or "", self.response_schema(input)))
        require_distinct(found)
        return {**found}

    def response_schema(self, input: Row) -> Schema:
        return object_of(**dict.fromkeys(self.texts, TEXT))
