"""One source row through the steps again, with the answers that a version keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.refresh.kept_answers import KeptAnswers
from flows.refresh.rebuilding import RunWithoutModels
from flows.runtime.stages import stages
from flows.runtime.work import make_partition
from flows.runtime.workspace import Partition, Workspace
from flows.versions.saved import SavedVersion
from llms.budget import Purse
from llms.chat import Answer, ChatMessage, ChatRequest, Completion, Sample
from llms.gateway.gateway import answer_key
from llms.llm import LLM
from llms.store import ArchivedAnswer, CompletionStore
from tasks.export.delivery import nothing_delivered
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.outcome import Outcome, StepContext
from tasks.row import KEY, PARENT, Rejection, describe_error
from tasks.step import GeneratorStep

_GENERATION = re.compile(r"[~#](\d+)")
"""Where the owner of a sample says to which generation of a row it belongs."""

_rounds: ContextVar[list[str]] = ContextVar("rounds")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was sent; `generation` counts the samples of a row from 0."""

    messages: Sequence[ChatMessage]
    generation: int
    correction: bool


@dataclass(slots=True)
class Retelling:
    """What became of one source row: requests by the key of their answer, and rows by step.

    `kept` are the answers that a version keeps, by key. A step in `failed` does not work here;
    neither it nor those after it made any rows, and so it is with steps that see all rows.
    """

    asked: dict[str, Asked] = field(default_factory=dict)
    kept: dict[str, ArchivedAnswer] = field(default_factory=dict)
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def completion(self, key: str) -> Completion | None:
        """Return a kept answer, if it is text."""
        answer = self.kept.get(key)
        if answer is None or answer.completion is None:
            return None
        return Completion.from_json(json.loads(answer.completion))


class Listener(KeptAnswers):
    """Notes every request."""

    def __init__(self, store: CompletionStore, asked: dict[str, Asked]) -> None:
        super().__init__(store)
        self._asked = asked

    async def complete(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None = None
    ) -> Answer:
        token = _rounds.set([])
        try:
            return await super().complete(llm, request, sample, purse)
        finally:
            _rounds.reset(token)

    async def _answer(
        self, llm: LLM, request: ChatRequest, sample: Sample, purse: Purse | None
    ) -> Answer:
        key, rounds = answer_key(llm, request, sample), _rounds.get()
        of_generation = _GENERATION.search(sample.owner)
        number = int(of_generation[1]) if of_generation else sample.index
        again = "~" in sample.owner or bool(rounds)
        self._asked[key] = Asked(list(request.messages), number, again)
        rounds.append(key)
        return await super()._answer(llm, request, sample, purse)


def kept_answers(version: SavedVersion, keys: Iterable[str]) -> dict[str, ArchivedAnswer]:
    """Return those of some answers that a version keeps."""
    files = [version.folder / shard.path for shard in version.manifest.answers]
    if not files:
        return {}
    wanted = pl.Series(list(keys), dtype=pl.String)
    found = pl.scan_parquet(files).filter(pl.col("key").is_in(wanted.implode())).collect()
    return {row[0]: ArchivedAnswer(*row) for row in found.iter_rows()}


def retell(
    version: SavedVersion, source: str, seed: pl.DataFrame, kept: dict[str, ArchivedAnswer]
) -> Retelling:
    """Send one source row through the steps, as far as none of them needs other rows.

    `seed` is that row with its key; a model that is a source is asked about a row without columns.
    """
    told = Retelling(kept=kept)
    graph = _alone(version.graph)
    with TemporaryDirectory(prefix="stillhouse-") as place:
        store = CompletionStore(Path(place) / "answers.sqlite")
        gateway = Listener(store, told.asked)
        try:
            store.restore(kept.values())
            run = RunWithoutModels(graph, Workspace(Path(place) / "workspace"), gateway)
            run.branches = version.graph.branches()
            with run, nothing_delivered():
                _make_rows(run, source, seed.with_columns(pl.col(KEY).alias(PARENT)), told)
        finally:
            gateway.close()
    return told


def _make_rows(run: RunWithoutModels, source: str, seed: pl.DataFrame, told: Retelling) -> None:
    first = run.workspace.write(Outcome(seed), seed[KEY].to_list())
    made: dict[str, Partition] = {}
    for name in run.graph.order():
        step, before = run.graph.steps[name], run.graph.sources_of(name)
        if isinstance(step, GeneratorStep) and not isinstance(step, GeneratorTask):
            if name == source:
                made[name] = first
        elif name == source or (before and all(one in made for one in before)):
            given = [made[one] for one in before] or [first]
            context = StepContext(run.gateway, branch=run.branches.get(name, 0))
            try:
                made[name] = make_partition(run, name, given, context)
            except Exception as error:  # whatever a step of the user's raises
                told.failed[name] = describe_error(error)
                continue
            told.rejections += run.workspace.rejections(made[name])
        if name in made:
            told.rows[name] = run.workspace.read(made[name])


def _alone(graph: Graph) -> Graph:
    """Return the part of a graph whose steps can work on one row alone."""
    whole = [name for stage in stages(graph) for name in stage.whole]
    beyond = {*whole, *(after for name in whole for after in graph.followers_of(name))}
    part = Graph(graph.name)
    part.steps = {name: step for name, step in graph.steps.items() if name not in beyond}
    part.edges = [(one, other) for one, other in graph.edges if {one, other} <= set(part.steps)]
    return part
