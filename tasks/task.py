"""`Task`: a step with a model."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import polars as pl
from pydantic import Field

from llms.chat import ChatRequest, ChatType, Completion
from llms.digest import digest
from llms.errors import (
    ConfigurationError,
    LLMError,
    ProviderRefused,
    RowRejected,
    StoreError,
    TransientError,
)
from llms.gateway import first_error
from llms.llm import LLM, own_sample
from llms.registry import LLMField
from tasks.frames import derive, frame_of, misfits, rows_of
from tasks.outcome import Calls, Outcome, StepContext
from tasks.row import KEY, Rejection, Row, copied, derived_key
from tasks.step import Columns, Step, describe_error, required, typed

T = TypeVar("T")

METADATA = "distilabel_metadata"

CHAT = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
"""A chat as a column: turns with `role` and `content`, oldest first."""

_STATISTICS = pl.Struct(
    {
        "model": pl.String,
        "input_tokens": pl.Int64,
        "output_tokens": pl.Int64,
        "finish_reason": pl.String,
    }
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of the model: what was sent and what came back."""

    chat: ChatType
    completion: Completion


@dataclass(frozen=True, slots=True)
class Generated:
    """One generation for a row: its output columns, or why it has none; and the last call."""

    outputs: Row | RowRejected
    exchange: Exchange


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
            LLMError: no answer came.
        """
        chat = copied(chat)
        owner = f"{self.key}/{self.context.branch}" if self.context.branch else self.key
        request = ChatRequest(chat, response_schema)
        samples = [own_sample(owner, self._seen, request) for _ in range(num_generations)]
        gateway = self.context.gateway
        if num_generations == 1:
            answers = [await gateway.complete(self.llm, request, samples[0])]
        else:
            answers = await _together(
                [gateway.complete(self.llm, request, sample) for sample in samples]
            )
        for answer in answers:
            usage = answer.completion.usage
            self.calls += Calls(1, int(answer.reused), usage.input_tokens, usage.output_tokens)
            self.last_reply = answer.completion.text
            self.context.observer.answered(self.step, self.key, chat, answer)
        return [Exchange(chat, answer.completion) for answer in answers]


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
        exchanges = await ask(
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
        books = _Books(self, frame[KEY].to_list(), rows, context.final_attempt)
        for index, (result, ask) in enumerate(answered):
            books.enter(index, result, ask)
        return books.close(frame)

    async def _answer_all(
        self, rows: list[Row], keys: list[str], context: StepContext
    ) -> list[tuple[list[Generated] | Exception, Ask]]:
        return await _together(
            [
                self._answer_row(row, Ask(self.llm, self.name, key, context))
                for row, key in zip(rows, keys, strict=True)
            ]
        )

    async def _answer_row(self, row: Row, ask: Ask) -> tuple[list[Generated] | Exception, Ask]:
        result: list[Generated] | Exception
        try:
            result = await self.answer(row, ask)
        except (ProviderRefused, StoreError, ConfigurationError):
            raise
        except Exception as error:
            result = error
        good = isinstance(result, list) and any(isinstance(g.outputs, dict) for g in result)
        ask.context.observer.finished(self.name, int(good), int(not good))
        return result, ask

    def _read(self, exchange: Exchange, row: Row) -> Row | RowRejected:
        try:
            outputs = self.format_output(exchange.completion.text, copied(row))
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


class _Books:
    """Gathers the generations of a partition into rows and rejections."""

    def __init__(self, task: Task, keys: list[str], rows: list[Row], final: bool) -> None:
        self._task = task
        self._parents = keys
        self._inputs = rows
        self._final = final
        self._indices: list[int] = []
        self._keys: list[str] = []
        self._outputs: list[Row] = []
        self._metadata: list[Row] = []
        self._replies: list[str] = []
        self._rejections: list[Rejection] = []
        self._calls = Calls()
        self._unanswered: list[TransientError] = []

    def enter(self, index: int, result: list[Generated] | Exception, ask: Ask) -> None:
        """Book what became of one row."""
        self._calls += ask.calls
        parent = self._parents[index]
        if isinstance(result, Exception):
            unanswered = isinstance(result, TransientError)
            if isinstance(result, TransientError):
                self._unanswered.append(result)
            known = isinstance(result, (RowRejected, LLMError))
            reason = str(result) if known else describe_error(result)
            self._reject(index, parent, reason, ask.last_reply, unanswered)
        elif self._task.group_generations:
            self._enter_grouped(index, result)
        else:
            for number, generated in enumerate(result):
                single = len(result) == 1
                key = parent if single else derived_key(parent, self._task.name, number)
                if isinstance(generated.outputs, RowRejected):
                    reply = generated.exchange.completion.text
                    self._reject(index, key, str(generated.outputs), reply)
                else:
                    reply = generated.exchange.completion.text
                    self._keep(index, key, generated.outputs, self._described(generated), reply)

    def close(self, frame: pl.DataFrame) -> Outcome:
        """Return the outcome.

        Raises:
            TransientError: rows are without an answer and another attempt may get it, or the
                provider answered none of them.
        """
        if self._unanswered and (not self._final or len(self._unanswered) == len(self._inputs)):
            raise self._unanswered[0]
        declared = typed(self._task.made)
        unfit = misfits(self._outputs, declared)
        for number, reason in unfit.items():
            index, key = self._indices[number], self._keys[number]
            self._reject(index, key, reason, self._replies[number])
        fit = [number for number in range(len(self._outputs)) if number not in unfit]
        self._indices = [self._indices[number] for number in fit]
        self._keys = [self._keys[number] for number in fit]
        self._metadata = [self._metadata[number] for number in fit]
        kept = derive(frame, self._indices, self._keys, None)
        made = frame_of([self._outputs[number] for number in fit], declared)
        made = made.drop(METADATA, strict=False)
        columns = [*made.get_columns(), *self._metadata_column(kept)]
        return Outcome(kept.with_columns(columns), tuple(self._rejections), self._calls)

    def _enter_grouped(self, index: int, result: list[Generated]) -> None:
        parent = self._parents[index]
        outputs: list[Row] = []
        for number, generated in enumerate(result, 1):
            if isinstance(generated.outputs, RowRejected):
                reason = f"generation {number} of {len(result)}: {generated.outputs}"
                self._reject(index, parent, reason, generated.exchange.completion.text)
                return
            outputs.append(generated.outputs)
        described = [self._described(generated) for generated in result]
        reply = result[-1].exchange.completion.text
        self._keep(index, parent, _transposed(outputs), _transposed(described), reply)

    def _keep(self, index: int, key: str, outputs: Row, metadata: Row, reply: str) -> None:
        self._indices.append(index)
        self._keys.append(key)
        self._outputs.append({**outputs, "model_name": self._task.llm.model_name})
        self._metadata.append(metadata)
        self._replies.append(reply)

    def _reject(
        self, index: int, key: str, reason: str, reply: str | None, unanswered: bool = False
    ) -> None:
        row, parent = self._inputs[index], self._parents[index]
        self._rejections.append(
            Rejection(key, parent, self._task.name, reason, row, reply, unanswered)
        )

    def _described(self, generated: Generated) -> Row:
        """Return the metadata fields of one generation."""
        name, completion = self._task.name, generated.exchange.completion
        described: Row = {}
        if self._task.add_raw_output:
            described[f"raw_output_{name}"] = completion.text
        if self._task.add_raw_input:
            described[f"raw_input_{name}"] = generated.exchange.chat
        described[f"statistics_{name}"] = {
            "model": completion.model,
            "input_tokens": completion.usage.input_tokens,
            "output_tokens": completion.usage.output_tokens,
            "finish_reason": completion.finish_reason,
        }
        return described

    def _metadata_column(self, kept: pl.DataFrame) -> list[pl.Series]:
        """Return the metadata with this task's fields beside those of earlier tasks."""
        task, name = self._task, self._task.name
        if not (task.add_raw_input or task.add_raw_output):
            return []
        kinds: dict[str, pl.DataType] = {}
        if task.add_raw_output:
            kinds[f"raw_output_{name}"] = pl.String()
        if task.add_raw_input:
            kinds[f"raw_input_{name}"] = CHAT
        kinds[f"statistics_{name}"] = _STATISTICS
        if task.group_generations:
            kinds = {field: pl.List(kind) for field, kind in kinds.items()}
        mine = frame_of(self._metadata, kinds)
        if METADATA in kept.columns and isinstance(kept.schema[METADATA], pl.Struct):
            earlier = kept[METADATA].struct.unnest().drop(mine.columns, strict=False)
            mine = pl.concat([earlier, mine], how="horizontal")
        return [mine.to_struct(METADATA)]


def _transposed(rows: Sequence[Row]) -> Row:
    """Turn rows into one row of lists."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


async def _together(coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines at once; the first that fails stops the others."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(coroutine) for coroutine in coroutines]
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return [task.result() for task in tasks]
