"""Plans, the pipelines they are for, and what a run of these really does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import polars as pl
import pytest

from flows import DatasetVersion, Pipeline
from flows.refresh.plan import Plan, StepPlan
from flows.refresh.planned import planned
from flows.runtime.offline import run_offline
from flows.runtime.record import write_record
from flows.runtime.run import Run
from flows.runtime.workspace import Workspace
from flows.settings import FlowSettings
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents
from llms import ChatType
from llms.home import close_gateways, default_gateway, home
from llms.spending import Calls
from tasks import (
    GeneratorTask,
    GroupColumns,
    LoadDataFromDicts,
    Row,
    RowRejected,
    Step,
    TextGeneration,
)
from tasks.outcome import Observer
from tests.flows.versions import saved
from tests.tasks.conftest import RecordingLLM

ALL = 1_000_000


@dataclass(slots=True)
class Bill(Observer):
    """Counts the calls that were really made, and their tokens and money, by step."""

    calls: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    usd: float = 0.0

    def called(self, step: str, calls: Calls) -> None:
        made = calls.requests - calls.reused
        if made:
            self.calls[step] += made
            self.tokens += calls.input_tokens + calls.output_tokens
            self.usd += calls.cost_usd - calls.saved_usd


class Even(Step):
    """Keeps the rows with an even id."""

    version: ClassVar = 1
    inputs: ClassVar = ("id",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield [row for row in inputs if row["id"] % 2 == 0]


class Picky(TextGeneration):
    """Rejects replies about what is forbidden."""

    version: ClassVar = 1

    def format_output(self, output: str | None, input: Row) -> Row:
        if "forbidden" in (output or ""):
            raise RowRejected("it is forbidden")
        return super().format_output(output, input)


def passages(count: int) -> list[Row]:
    """Return source rows with the key `id`."""
    return [
        {"id": number, "passage": f"Passage {number} about a thing."} for number in range(count)
    ]


def edited(rows: list[Row]) -> list[Row]:
    """Edit a row, drop one and add one."""
    changed = {**rows[5], "passage": "This passage was edited."}
    added = {"id": 10_000, "passage": "This passage is new."}
    return [*rows[:5], changed, *rows[6:17], *rows[18:], added]


def asking(name: str, reads: str, writes: str, **parameters: Any) -> TextGeneration:
    """Return a step that asks a model about one column and writes the reply into another."""
    given: dict[str, Any] = {"template": f"{name}: {{{{ {reads} }}}}", "llm": RecordingLLM()}
    if writes != "generation":
        given["output_mappings"] = {"generation": writes}
    return TextGeneration(name=name, columns=reads, **{**given, **parameters})


def chain(rows: list[Row], *steps: Step, key_columns: tuple[str, ...] | None = ("id",)) -> Pipeline:
    """Return a pipeline of one step after the other."""
    made = Pipeline("chain")
    last: Step = LoadDataFromDicts(name="load", data=rows, key_columns=key_columns)
    made.add(last)
    for step in steps:
        made.add(step)
        made.connect(last, step)
        last = step
    return made


def branches(rows: list[Row]) -> Pipeline:
    """Return a pipeline whose two branches meet, and one of them rejects what is forbidden."""
    with Pipeline("branches") as made:
        load = LoadDataFromDicts(name="load", data=rows, key_columns=("id",))
        picky = Picky(name="picky", llm=RecordingLLM(), columns="passage", template="{{ passage }}")
        other = asking("other", "passage", "generation")
        both = GroupColumns(name="both", columns=("generation",), output_columns=("said",))
        load >> [picky, other] >> both >> asking("last", "said", "title")
    return made


class Invent(GeneratorTask):
    """Asks about a drawn number."""

    version: ClassVar = 1
    outputs: ClassVar = {"said": pl.String}

    def draw(self, random: Random) -> Row:
        return {"number": random.randrange(10**6)}

    def format_input(self, input: Row) -> ChatType:
        return [{"role": "user", "content": f"Ask about {input['number']}."}]

    def format_output(self, output: str | None, input: Row) -> Row:
        return {"said": output}


def invented(count: int) -> Pipeline:
    """Return a pipeline that starts with a model."""
    with Pipeline("invented") as made:
        Invent(name="invent", llm=RecordingLLM(), num_rows=count) >> asking("more", "said", "more")
    return made


def facts(
    rows: list[Row], key_columns: tuple[str, ...] | None = ("id",), **changes: dict[str, Any]
) -> Pipeline:
    """Return a pipeline with three questions in a row, a fan-out and two generations of one.

    `changes` are parameters of steps, by their names.
    """

    def own(name: str) -> dict[str, Any]:
        return changes.get(name, {})

    with Pipeline("facts") as made:
        load = LoadDataFromDicts(name="load", data=rows, key_columns=key_columns)
        question = asking("question", "passage", "instruction", **own("question"))
        careful = asking("careful", "instruction", "generation", **own("careful"))
        free = asking("free", "instruction", "generation", **own("free"))
        both = GroupColumns(
            name="both",
            columns=("generation", "model_name"),
            output_columns=("generations", "models"),
        )
        two = asking("two", "generations", "generation", num_generations=2, **own("two"))
        last = asking("last", "generation", "title", **own("last"))
        load >> question >> [careful, free] >> both >> two >> last
    return made


def plan_of(pipeline: Pipeline, before: SavedVersion | None, **settings: Any) -> Plan:
    """Plan the refresh of a version."""
    chosen = FlowSettings(output="nowhere", **settings)
    return planned(pipeline, chosen, before).plan


def version_of(
    folder: Path, pipeline: Pipeline, before: SavedVersion | None = None, **contents: Any
) -> SavedVersion:
    """Make a version, paying for what is needed, and open it as anybody would."""
    saved(folder, pipeline.preview(ALL), before, Contents(**contents))
    return SavedVersion.open(folder)


def billed(pipeline: Pipeline) -> Bill:
    """Run a pipeline and return what that cost."""
    bill = Bill()
    pipeline.preview(ALL, bill)
    return bill


def remembered(pipeline: Pipeline) -> DatasetVersion:
    """Run a pipeline over partitions and leave the record of a finished run in the workspace."""
    with Run(pipeline, Workspace(home()), default_gateway()) as run:
        done = run_offline(run)
    write_record(pipeline, done.pieces, run.datasets, run.workspace)
    return DatasetVersion(pipeline, run.workspace, done.made)


def move_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on with another store and workspace; on a cold machine the folder is not there yet."""
    close_gateways()
    monkeypatch.setenv("STILLHOUSE_HOME", str(folder))


def step_of(plan: Plan, name: str) -> StepPlan:
    """Return what a plan says of a step."""
    (found,) = [step for step in plan.steps if step.step == name]
    return found


def rows_of(step: StepPlan) -> tuple[int, int, int, int]:
    """Return the new, changed, unchanged and removed rows of a step."""
    return step.new, step.changed, step.unchanged, step.removed


def expected_calls(plan: Plan) -> dict[str, int]:
    """Return the calls that a plan expects, by step, where there are any."""
    calls = {step.step: round(step.calls.expected) for step in plan.steps}
    return {name: number for name, number in calls.items() if number}
