"""`Task`: a step with a model."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from random import Random
from typing import Any

import polars as pl
from pydantic import Field

from llms.chat import ChatType
from llms.digest import digest
from llms.errors import (
    ConfigurationError,
    RequestRefused,
    RowRejected,
    RunStopper,
    StoreError,
)
from llms.gateway import together
from llms.registry import LLMField
from tasks.ask import Ask, Reading
from tasks.declaration import Columns, required, typed
from tasks.frames import rows_of
from tasks.generated import LOGPROBS, METADATA, Books, Generated
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Row, copied
from tasks.step import Step

_BESIDE_REQUESTS = {
    "add_raw_input",
    "add_raw_output",
    "corrections",
    "group_generations",
    "num_generations",
    "output_mappings",
    "use_default_structured_output",
}
"""Parameters that shape no first request."""


class Task(Step):
    """A step that asks a model about every row.

    A task overrides `format_input` and `format_output`; one that talks to the model in rounds
    overrides `answer`. It makes its `outputs`, `model_name` (str) and, unless both `add_raw_input`
    and `add_raw_output` are off, `distilabel_metadata` (struct: `raw_input_<step>`,
    `raw_output_<step>` and `statistics_<step>` with model as returned, requests, tokens, finish
    reason and cost); where the model gives token probabilities, `llm_<step>_logprobs` as well.
    With `num_generations` above 1 a row becomes that many rows, or, with `group_generations`, one
    row with lists.

    A reply that `format_output` cannot read is shown to the model with the reason and asked for
    again, up to `corrections` times, and then a rejection. `use_default_structured_output` asks
    for JSON that follows `response_schema`; None means where the model's provider enforces it.
    """

    llm: LLMField
    num_generations: int = Field(default=1, ge=1)
    group_generations: bool = False
    add_raw_output: bool = True
    add_raw_input: bool = True
    use_default_structured_output: bool | None = False
    corrections: int = Field(default=1, ge=0)

    @cached_property
    def requests_digest(self) -> str:
        shaping = {k: value for k, value in self.content.items() if k not in _BESIDE_REQUESTS}
        makers = [getattr(type(self), name) for name in ("answer", "format_input")]
        written = [f"{maker.__module__}:{maker.__qualname__}" for maker in makers]
        return digest([written, shaping, self.llm.identity])

    @abstractmethod
    def format_input(self, input: Row) -> ChatType:
        """Return the chat that asks about a row."""

    @abstractmethod
    def format_output(self, output: str | None, input: Row) -> Row:
        """Return the output columns that a reply means.

        Raises:
            RowRejected: the reply cannot be read; any other exception is taken for that too.
        """

    def response_schema(self, input: Row) -> dict[str, Any] | None:
        """Return the JSON schema asked of the model with `use_default_structured_output`."""
        return None

    def draw(self, random: Random) -> Row:
        """Return values drawn for one generation; they join the row that `format_input` gets.

        The source of random choices is the row's own, so a rerun and a refresh draw the same.
        """
        return {}

    @property
    def structured(self) -> bool:
        """Whether replies are asked for as JSON that follows `response_schema`."""
        wanted = self.use_default_structured_output
        return self.llm.supports.structured_output if wanted is None else wanted

    def load(self) -> None:
        self.llm.check()

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        """Return the generations for one row."""
        readings = await together(
            [
                self._generation({**input, **self.draw(ask.random(number))}, ask)
                for number in range(self.num_generations)
            ]
        )
        return [Generated(reading.found, reading.exchanges) for reading in readings]

    async def _generation(self, row: Row, ask: Ask) -> Reading[Row]:
        schema = self.response_schema(row) if self.structured else None
        chat = self.format_input(copied(row))
        try:
            return await ask.read(
                chat, lambda reply: self._outputs(reply, row), response_schema=schema
            )
        except RequestRefused as error:
            # One refusal takes no other generation of the row with it.
            return Reading(RowRejected(str(error)), ())

    @property
    def made(self) -> Columns:
        columns = typed(self.outputs)
        if self.group_generations:
            columns = {name: kind and pl.List(kind) for name, kind in columns.items()}
        columns = {**columns, "model_name": pl.String}
        if getattr(self.llm.generation_kwargs, "logprobs", None):
            kind = pl.List(LOGPROBS) if self.group_generations else LOGPROBS
            columns[f"llm_{self.name}_logprobs"] = kind
        return {**columns, METADATA: None} if self.add_raw_input or self.add_raw_output else columns

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        rows = rows_of(frame)
        answered = context.gateway.run(self._answer_all(rows, frame[KEY].to_list(), context))
        books = Books(self, frame[KEY].to_list(), rows, context.final_attempt)
        for index, (result, ask) in enumerate(answered):
            books.enter(index, result, ask)
        return books.close(frame)

    async def _answer_all(
        self, rows: list[Row], keys: list[str], context: StepContext
    ) -> list[tuple[list[Generated] | Exception, Ask]]:
        return await together(
            [
                self._answer_row(row, Ask(self.llm, self.name, key, context, self.corrections))
                for row, key in zip(rows, keys, strict=True)
            ]
        )

    async def _answer_row(self, row: Row, ask: Ask) -> tuple[list[Generated] | Exception, Ask]:
        result: list[Generated] | Exception
        try:
            result = await self.answer(row, ask)
        except (RunStopper, StoreError, ConfigurationError):
            raise
        except Exception as error:
            result = error
        good = isinstance(result, list) and any(isinstance(g.outputs, dict) for g in result)
        ask.context.observer.finished(self.name, int(good), int(not good))
        return result, ask

    def _outputs(self, reply: str, row: Row) -> Row:
        outputs = self.format_output(reply, copied(row))
        if not isinstance(outputs, dict):
            raise RowRejected(f"`format_output` returned {outputs!r:.100}, which is no row")
        if missing := [name for name in required(self.outputs) if name not in outputs]:
            raise RowRejected(f"the reply gave no {', '.join(map(repr, missing))}")
        return outputs
