"""Rows with keys, a model that remembers what it was asked, and a gateway that closes itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import Field, PrivateAttr

from llms import ChatRequest, ChatType, CompletionStore, Gateway, RetryPolicy, ScriptedLLM
from llms.config import Operational
from llms.errors import LLMError
from tasks import GeneratorStep, Outcome, Row, Step, StepContext, Task
from tasks.frames import frame_of, rows_of, with_source_keys
from tasks.row import KEY, PARENT, SourceKeys


class RecordingLLM(ScriptedLLM):
    """A scripted model that keeps what it was sent and words every sample differently.

    A request whose last message contains one of `troubles` fails with that error. In a reply,
    `{sample}` stands for the seed of the sample.
    """

    replies: tuple[str, ...] = ("{prompt} [{sample}]",)
    troubles: Operational[dict[str, Any]] = Field(default_factory=dict)
    _sent: list[ChatType] = PrivateAttr(default_factory=list)

    @property
    def sent(self) -> list[ChatType]:
        """The chats that reached the model, in order."""
        return self._sent

    def reply(self, request: ChatRequest, seed: int) -> str:
        self._sent.append([message.copy() for message in request.messages])
        prompt = request.messages[-1]["content"]
        for mark, error in self.troubles.items():
            if mark in prompt:
                assert isinstance(error, LLMError)
                raise error
        return super().reply(request, seed).replace("{sample}", str(seed))


class Answer(Task):
    """Asks the instruction and takes the reply as it is."""

    inputs: ClassVar = ("instruction",)
    outputs: ClassVar = ("generation",)

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": input["instruction"]}]

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": output}


class Rows(GeneratorStep):
    """Yields the rows of `data`."""

    data: list[Row] = Field(default_factory=list)

    @property
    def outputs(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.data for name in row))

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
        for start in range(offset, len(self.data), self.batch_size):
            stop = start + self.batch_size
            yield self.data[start:stop], stop >= len(self.data)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with a store of its own that tries every request once."""
    store = CompletionStore(tmp_path / "answers.sqlite")
    with closing(Gateway(store, retries=RetryPolicy(attempts=1, patience=0))) as gateway:
        yield gateway


def keyed(rows: Sequence[Row], key_columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Return rows as a source gives them to the first step."""
    return with_source_keys(frame_of(rows), SourceKeys(key_columns))


def applied(step: Step, rows: Sequence[Row], gateway: Gateway | None = None) -> Outcome:
    """Run a step over one partition, on the final attempt."""
    return step.apply(keyed(rows), StepContext(gateway))


def rows_after(outcome: Outcome) -> list[Row]:
    """Return the rows that came out, without the hidden columns."""
    return rows_of(outcome.frame)


def keys_of(frame: pl.DataFrame) -> list[str]:
    """Return the key of every row."""
    return frame[KEY].to_list()


def parents_of(outcome: Outcome) -> list[str]:
    """Return for every row that came out the key of the row it was made from."""
    return outcome.frame[PARENT].to_list()
