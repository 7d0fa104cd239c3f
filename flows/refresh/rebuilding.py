"""A version made again from what it keeps: its source rows and the models' answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from flows.dataset import DatasetVersion
from flows.refresh.estimates import model_of
from flows.refresh.kept_answers import NOT_KEPT, KeptAnswers
from flows.runtime.acceptance import _first
from flows.runtime.offline import run_offline
from flows.runtime.run import Run
from flows.runtime.stages import stages
from flows.runtime.workspace import Partition, Workspace
from flows.versions.archive import restore_answers
from flows.versions.saved import SavedVersion
from llms.embeddings.model import EmbeddingModel
from llms.errors import ConfigurationError
from llms.store import CompletionStore
from tasks.export.delivery import nothing_delivered
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.outcome import Outcome
from tasks.row import KEY, PARENT, Rejection
from tasks.step import GeneratorStep, Step

Partitions = dict[str, list[Partition]]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The rows of a version, made again; `lost` counts by step the answers that are not kept."""

    dataset: DatasetVersion
    lost: Mapping[str, int]


class RunWithoutModels(Run):
    """A run whose models are not asked, so that what they lack here is no harm."""

    def loaded(self, name: str) -> Step:
        step = self.graph.steps[name]
        if name in self.sources:
            return step
        try:
            return super().loaded(name)
        except ConfigurationError:
            model = model_of(step)
            made_here = isinstance(model, EmbeddingModel) and model.free
            if model is None or made_here:
                raise
            return step


def check_kept(version: SavedVersion) -> None:
    """Raise `ConfigurationError` for a version that does not keep its sources and answers."""
    if version.manifest.provenance != "answers":
        raise ConfigurationError(
            f"{version.name} {version.manifest.tag} keeps no sources and answers (its provenance "
            f"is {version.manifest.provenance!r}), so that nothing can be made of it again; "
            f"publish versions with provenance='answers'."
        )


@contextmanager
def rebuilding(version: SavedVersion, place: Path) -> Iterator[Rebuilt]:
    """Make the rows of a version again below a folder, without a call and without Prefect.

    What cannot be answered again, because a provider failed or refused, is rejected as it was then.

    Raises:
        ConfigurationError: the version keeps no answers, or a step of it cannot be found here.
        StillhouseError: a step fails.
    """
    check_kept(version)
    then = {(item.step, item.key): item for item in version.rejections()}
    lost_then = {item.parent for item in then.values() if item.unanswered}
    gateway = KeptAnswers(CompletionStore(place / "answers.sqlite"), lost_then)
    try:
        restore_answers(version, gateway.store)
        run = RunWithoutModels(version.graph, Workspace(place / "workspace"), gateway)
        run.sources.update(kept_partitions(version, run))
        run.most_source_rows = _most_rows(version)
        with run, nothing_delivered():
            offline = run_offline(run)
        lost: Counter[str] = Counter()
        made: Partitions = {}
        for name in _order(run.graph):
            step = offline.steps[name]
            there = [part for part in step.made if part is not None]
            if len(there) < len(step.made):
                lost[name] += len(step.unanswered)
            made[name] = [_as_it_was(run, part, then, lost) for part in there]
        made = _cut(run, made, version)
        dataset = DatasetVersion(
            run.graph, run.workspace, made, run=version.manifest.run, gateway=gateway
        )
        yield Rebuilt(dataset, +lost)
    finally:
        gateway.close()


def kept_partitions(version: SavedVersion, run: Run) -> Partitions:
    """Write the rows that a version's sources had into a run's workspace."""
    found: Partitions = {}
    for name, shards in version.manifest.sources.items():
        files = [version.folder / shard.path for shard in shards]
        frames = (pl.read_parquet(file).with_columns(pl.col(KEY).alias(PARENT)) for file in files)
        found[name] = [
            run.workspace.write(Outcome(frame), frame[KEY].to_list())
            for frame in run.partitioned(frames)
        ]
    return found


def _most_rows(version: SavedVersion) -> int:
    """Return how many rows were asked of a model that is a source."""
    steps = version.graph.steps.items()
    asked = [version.accounts[name].rows_in for name, s in steps if isinstance(s, GeneratorTask)]
    return max(asked, default=1)


def _order(graph: Graph) -> list[str]:
    """Return the steps in the order in which a run makes their rows."""
    sources = [
        name
        for name, step in graph.steps.items()
        if isinstance(step, GeneratorStep) and not isinstance(step, GeneratorTask)
    ]
    return [*sources, *(name for one in stages(graph) for name in (*one.whole, *one.piecewise))]


def _as_it_was(
    run: Run, part: Partition, then: Mapping[tuple[str, str], Rejection], lost: Counter[str]
) -> Partition:
    """Put what the provider said then in place of what stands for it now."""
    rejections = list(run.workspace.rejections(part))
    stand_ins = [item for item in rejections if NOT_KEPT in item.reason or item.unanswered]
    if not stand_ins:
        return part
    lost.update(item.step for item in stand_ins if (item.step, item.key) not in then)
    known = [
        then.get((item.step, item.key), item) if item in stand_ins else item for item in rejections
    ]
    written = run.workspace.write(Outcome(run.workspace.read(part), tuple(known)), [])
    unanswered = sum(item.unanswered for item in known)
    return replace(part, rejections=written.rejections, unanswered=unanswered)


def _cut(run: Run, made: Partitions, version: SavedVersion) -> Partitions:
    """Keep exactly as many rows as a version with `accepted_rows` took of those that were made."""
    leaf, *others = run.graph.leaves()
    if others:
        return made
    books, now = version.accounts[leaf], [part.accounts for part in made[leaf]]
    surplus = sum(part.rows for part in made[leaf]) - version.rows
    if surplus <= 0 or books.filtered - sum(its.filtered for its in now) != surplus:
        return made
    return {**made, leaf: _first(run, made[leaf], version.rows)}
