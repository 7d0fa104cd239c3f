"""`Task`: a step with a model."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl
from pydantic import Field

from llms.chat import ChatRequest, ChatType, Sample
from llms.digest import digest
from llms.errors import (
    ConfigurationError,
    RowRejected,
    RunStopper,
    StoreError,
    UnfitAnswer,
)
from llms.gateway import together
from llms.llm import LLM, own_sample
from llms.registry import LLMField
from llms.spending import Calls
from tasks.declaration import Columns, required, typed
from tasks.frames import rows_of
from tasks.generated import METADATA, Books, Exchange, Generated
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, Row, copied, describe_error
from tasks.step import Step


@dataclass(slots=True)
class Ask:
    """One row's road to the model: equal requests of a row get samples of their own."""

    llm: LLM
    step: str
    key: str
    context: StepContext
    calls: Calls = field(default_factory=Calls)
    last_reply: str | None = None
    _seen: dict[str, int] = field(default_factory=dict)

    async def __call__(
        self,
        chat: ChatType,
        num_generations: int = 1,
        *,
        response_schema: dict[str, Any] | None = None,
    ) -> list[Exchange]:
        """Send a chat and return its answers.

        Raises:
            LLMError: no answer came, or one that does not follow the schema.
        """
        exchanges = await self.each(chat, num_generations, response_schema=response_schema)
        for exchange in exchanges:
            if exchange.unfit is not None:
                raise exchange.unfit
        return exchanges

    async def each(
        self,
        chat: ChatType,
        num_generations: int = 1,
        *,
        response_schema: dict[str, Any] | None = None,
    ) -> list[Exchange]:
        """Send a chat and return its answers, those among them that do not follow the schema too.

        Raises:
            LLMError: no answer came.
        """
        chat = copied(chat)
        owner = f"{self.key}/{self.context.branch}" if self.context.branch else self.key
        request = ChatRequest(chat, response_schema)
        samples = [own_sample(owner, self._seen, request) for _ in range(num_generations)]
        exchanges = await together([self._ask(request, sample, chat) for sample in samples])
        self.last_reply = exchanges[-1].completion.text
        return exchanges

    async def _ask(self, request: ChatRequest, sample: Sample, chat: ChatType) -> Exchange:
        observer, purse = self.context.observer, self.context.purse
        try:
            answer = await self.context.gateway.complete(self.llm, request, sample, purse)
        except UnfitAnswer as error:
            self.calls += error.calls
            self.last_reply = error.completion.text
            observer.called(self.step, error.calls)
            return Exchange(chat, error.completion, error)
        self.calls += answer.calls
        observer.called(self.step, answer.calls)
        observer.answered(self.step, self.key, chat, answer)
        return Exchange(chat, answer.completion)


class Task(Step):
    """A step that asks a model about every row.

    A task overrides `format_input` and `format_output`; one that talks to the model in rounds
    overrides `answer`. It makes its `outputs`, `model_name` (str) and, unless both `add_raw_input`
    and `add_raw_output` are off, `distilabel_metadata` (struct: `raw_input_<step>`,
    `raw_output_<step>` and `statistics_<step>` with model as returned, tokens and finish reason).
    With `num_generations` above 1 a row becomes that many rows, or, with `group_generations`, one
    row with lists. A reply that `format_output` cannot read is a rejection.
    """

    llm: LLMField
    num_generations: int = Field(default=1, ge=1)
    group_generations: bool = False
    add_raw_output: bool = True
    add_raw_input: bool = True
    use_default_structured_output: bool = False

    @cached_property
    def requests_digest(self) -> str:
        """Digest of what shapes this task's requests; tasks that share it need samples apart."""
        beside = {"num_generations", "group_generations", "add_raw_output", "add_raw_input"}
        beside |= {"output_mappings", "use_default_structured_output"}
        shaping = {name: value for name, value in self.content.items() if name not in beside}
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

    def load(self) -> None:
        self.llm.check()

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        """Return the generations for one row."""
        schema = self.response_schema(input) if self.use_default_structured_output else None
        exchanges = await ask.each(
            self.format_input(copied(input)), self.num_generations, response_schema=schema
        )
        return [Generated(self._read(exchange, input), exchange) for exchange in exchanges]

    @property
    def made(self) -> Columns:
        columns = typed(self.outputs)
        if self.group_generations:
            columns = {name: kind and pl.List(kind) for name, kind in columns.items()}
        columns = {**columns, "model_name": pl.String}
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
                self._answer_row(row, Ask(self.llm, self.name, key, context))
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

    def _read(self, exchange: Exchange, row: Row) -> Row | RowRejected:
        if exchange.unfit is not None:
            return RowRejected(str(exchange.unfit))
        try:
            outputs = self.format_output(exchange.completion.written, copied(row))
        except ConfigurationError:
            raise
        except RowRejected as error:
            return error
        except Exception as error:
            return RowRejected(f"the reply cannot be read: {describe_error(error)}")
        if not isinstance(outputs, dict):
            return RowRejected(f"`format_output` returned {outputs!r:.100}, which is no row")
        missing = [name for name in required(self.outputs) if name not in outputs]
        if missing:
            return RowRejected(f"the reply gave no {', '.join(map(repr, missing))}")
        return outputs
