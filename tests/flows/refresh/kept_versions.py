"""Versions that keep what they were made from, and the steps and the model that make them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, ClassVar

import polars as pl

from flows import DatasetVersion, Pipeline
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents, stage
from llms import ChatType, ScriptedLLM
from llms.chat import ChatRequest, text_content
from llms.errors import ConfigurationError, ContentFiltered, ServerFailed
from llms.gateway import Gateway
from llms.llm import Reply
from llms.retries import RetryPolicy
from llms.store import CompletionStore
from tasks import (
    GeneratorTask,
    GlobalStep,
    GroupColumns,
    KeepColumns,
    LoadDataFromDicts,
    Row,
    RowRejected,
    Step,
    TextGeneration,
)
from tasks.export.delivery import held_back


class Voice(ScriptedLLM):
    """Says something else for each sample; refuses what is forbidden, fails where it is told to.

    A prompt with `mumble` gets `mm` before it is asked again, and one with `silent` no word.
    """

    provider: ClassVar = "voice"
    calls: ClassVar[list[str]] = []
    is_here: ClassVar[bool] = True

    model: str = "voice"

    def check(self) -> None:
        if not self.is_here:
            raise ConfigurationError("The voice is not on this machine.")

    async def send(self, client: Any, request: ChatRequest, seed: int) -> Reply:
        said = text_content(request.messages[0])
        self.calls.append(said)
        if "forbidden" in said and seed % 2:
            raise ContentFiltered(f"the filter withheld the answer (request {seed})")
        if "broken" in said:
            raise ServerFailed("the server failed")
        return await super().send(client, request, seed)

    def reply(self, request: ChatRequest, seed: int) -> str:
        said = text_content(request.messages[0])
        if "silent" in said:
            return ""
        if "mumble" in said and len(request.messages) == 1:
            return "mm"
        return f"Answer {seed % 10_000} to {said}"


class Clearly(TextGeneration):
    """Takes no mumbling for an answer."""

    version: ClassVar = 1

    def format_output(self, output: str | None, input: Row) -> Row:
        if output == "mm":
            raise RowRejected("it is mumbled")
        return super().format_output(output, input)


class Shout(Step):
    """Writes an answer in capitals."""

    version: ClassVar = 1
    inputs: ClassVar = ("generation",)
    outputs: ClassVar = ("loud",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for row in inputs:
            row["loud"] = row["generation"].upper()
        yield inputs


class Sent(Step):
    """Sends its rows to nobody, and notes that it did."""

    version: ClassVar = 1
    delivers: ClassVar = True
    times: ClassVar[list[int]] = []

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        if not held_back():
            self.times.append(len(inputs))
        yield inputs


class Dice(Step):
    """Writes another number each time."""

    version: ClassVar = 1
    outputs: ClassVar = ("number",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for row in inputs:
            row["number"] = SystemRandom().random()
        yield inputs


class Backwards(GlobalStep):
    """Turns the dataset round, and counts it."""

    version: ClassVar = 1
    inputs: ClassVar = ("generation",)
    outputs: ClassVar = ("place",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for place, row in enumerate(inputs):
            row["place"] = len(inputs) - place
        yield inputs[::-1]


class Invent(GeneratorTask):
    """Asks about a drawn number."""

    version: ClassVar = 1
    outputs: ClassVar = {"generation": pl.String}

    def draw(self, random: Random) -> Row:
        return {"number": random.randrange(10**6)}

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": f"Ask about {input['number']}."}]

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"generation": output}


def rows(*more: str, count: int = 4) -> list[Row]:
    """Return source rows: so many plain ones, and then these."""
    texts = [*(f"Say {number}." for number in range(count)), *more]
    return [{"id": number, "instruction": text} for number, text in enumerate(texts)]


def answers(data: list[Row], **parameters: Any) -> Pipeline:
    """Return a pipeline whose one step with a model answers instructions."""
    with Pipeline("answers") as made:
        load = LoadDataFromDicts(name="load", data=data, key_columns=("id",))
        load >> TextGeneration(name="ask", llm=Voice(), **parameters)
    return made


def followed_by(step: Step, data: list[Row]) -> Pipeline:
    """Return the same pipeline with a step after it."""
    made = answers(data)
    made.add(step)
    made.connect(made.steps["ask"], step)
    return made


def everything(data: list[Row]) -> Pipeline:
    """Return a pipeline with all shapes: two generations, fan-out, fan-in, a global step."""
    with Pipeline("everything") as made:
        load = LoadDataFromDicts(name="load", data=data, key_columns=("id",))
        first = Clearly(name="first", llm=Voice(), num_generations=2)
        second = TextGeneration(name="second", llm=Voice(), template="Again: {{ instruction }}")
        other = TextGeneration(name="other", llm=Voice(), template="Again: {{ instruction }}")
        both = GroupColumns(name="both", columns=("generation",), output_columns=("generations",))
        turned = Backwards(name="turned")
        title = TextGeneration(
            name="title",
            llm=Voice(),
            template="Name {{ place }}.",
            columns="place",
            output_mappings={"generation": "title"},
        )
        titles = KeepColumns(name="titles", columns=("place", "title"))
        loud = Shout(name="loud")
        load >> [first, second, other]
        first >> [turned, loud]
        [second, other] >> both
        turned >> title >> titles
    return made


def invented(count: int) -> Pipeline:
    """Return a pipeline that starts with a model."""
    with Pipeline("invented") as made:
        Invent(name="invent", llm=Voice(), num_rows=count) >> Shout(name="loud")
    return made


def kept(
    folder: Path,
    dataset: DatasetVersion,
    before: SavedVersion | None = None,
    **contents: Any,
) -> SavedVersion:
    """Write a version with its card into a new folder, and open it as anybody would."""
    folder.mkdir(parents=True)
    stage(dataset, folder, Contents(**contents), before)
    (folder / "README.md").write_text("A card.\n")
    return SavedVersion.open(folder)


def impatient_gateway(folder: Path) -> Gateway:
    """Return a gateway that does not try again."""
    retries = RetryPolicy(attempts=1, first_wait=0.0, patience=0.0, breaker_failures=10**6)
    return Gateway(CompletionStore(folder / "answers.sqlite"), retries=retries)
