"""What a model generated for rows, and its way into a frame: rows, rejections, metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from llms.chat import text_content
from llms.errors import LLMError, RowRejected, TransientError
from llms.spending import Receipt, calls_of
from tasks.ask import Ask, Exchange
from tasks.declaration import typed
from tasks.frames import derive, frame_of, misfits
from tasks.outcome import Outcome
from tasks.row import Rejection, Row, derived_key, describe_error

if TYPE_CHECKING:
    from tasks.task import Task

METADATA = "distilabel_metadata"

CHAT = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
"""A chat as a column: turns with `role` and `content`, oldest first."""

LOGPROBS = pl.List(pl.List(pl.Struct({"token": pl.String, "logprob": pl.Float64})))
"""Token probabilities as a column: for each position the likeliest tokens."""

_STATISTICS = pl.Struct(
    {
        "model": pl.String,
        "requests": pl.Int64,
        "input_tokens": pl.Int64,
        "output_tokens": pl.Int64,
        "finish_reason": pl.String,
        "cost_usd": pl.Float64,
    }
)


@dataclass(frozen=True, slots=True)
class Generated:
    """One generation for a row: its output columns, or why it has none; and what it took.

    The metadata shows the last exchange, and the tokens and cost of all of them.
    """

    outputs: Row | RowRejected
    exchanges: tuple[Exchange, ...]

    @property
    def reply(self) -> str | None:
        """The text of the last reply."""
        return self.exchanges[-1].completion.text if self.exchanges else None


class Books:
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
        self._replies: list[str | None] = []
        self._rejections: list[Rejection] = []
        self._receipts: dict[str, tuple[Receipt, ...]] = {}
        self._unanswered: list[TransientError] = []

    def enter(self, index: int, result: list[Generated] | Exception, ask: Ask) -> None:
        """Book what became of one row."""
        parent = self._parents[index]
        # by key: several generations are answered in any order
        self._receipts[parent] = tuple(sorted(ask.receipts, key=lambda receipt: receipt.key))
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
                    self._reject(index, key, str(generated.outputs), generated.reply)
                else:
                    outputs = {**generated.outputs, **self._logprobs(generated)}
                    self._keep(index, key, outputs, self._described(generated), generated.reply)

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
        calls = calls_of(receipt for receipts in self._receipts.values() for receipt in receipts)
        return Outcome(kept.with_columns(columns), tuple(self._rejections), calls, self._receipts)

    def _enter_grouped(self, index: int, result: list[Generated]) -> None:
        parent = self._parents[index]
        outputs: list[Row] = []
        for number, generated in enumerate(result, 1):
            if isinstance(generated.outputs, RowRejected):
                reason = f"generation {number} of {len(result)}: {generated.outputs}"
                self._reject(index, parent, reason, generated.reply)
                return
            outputs.append({**generated.outputs, **self._logprobs(generated)})
        described = [self._described(generated) for generated in result]
        self._keep(index, parent, _transposed(outputs), _transposed(described), result[-1].reply)

    def _keep(self, index: int, key: str, outputs: Row, metadata: Row, reply: str | None) -> None:
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

    def _logprobs(self, generated: Generated) -> Row:
        column = f"llm_{self._task.name}_logprobs"
        if column not in typed(self._task.made):
            return {}
        return {column: generated.exchanges[-1].completion.logprobs}

    def _described(self, generated: Generated) -> Row:
        """Return the metadata fields of one generation."""
        name, exchanges = self._task.name, generated.exchanges
        last = exchanges[-1] if exchanges else None
        described: Row = {}
        if self._task.add_raw_output:
            described[f"raw_output_{name}"] = generated.reply
        if self._task.add_raw_input:
            described[f"raw_input_{name}"] = last and [
                {"role": message["role"], "content": text_content(message)} for message in last.chat
            ]
        usages = [exchange.completion.usage for exchange in exchanges]
        costs = [exchange.completion.cost_usd for exchange in exchanges]
        described[f"statistics_{name}"] = {
            "model": last and last.completion.model,
            "requests": len(exchanges),
            "input_tokens": sum(usage.input_tokens for usage in usages),
            "output_tokens": sum(usage.output_tokens for usage in usages),
            "finish_reason": last and last.completion.finish_reason,
            "cost_usd": None if None in costs else sum(cost or 0.0 for cost in costs),
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
