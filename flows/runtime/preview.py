"""The first rows of a pipeline, in this process and without Prefect."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from flows.dataset import DatasetVersion
from flows.runtime.ledger import dataset_account
from flows.runtime.workspace import Partition, Workspace
from llms.errors import ConfigurationError
from llms.home import default_gateway, home
from tasks.export.delivery import nothing_delivered
from tasks.fan_in import FanInStep
from tasks.frames import keys_of
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.outcome import Observer, Outcome, StepContext
from tasks.step import GeneratorStep, GlobalStep


def preview(graph: Graph, rows: int, observer: Observer | None = None) -> DatasetVersion:
    """Run the first rows through every step; see `Pipeline.preview`."""
    graph.validate()
    graph.check_models()
    gateway = default_gateway()
    account = dataset_account(graph.name, datetime.now(UTC))
    with gateway.purse(graph.name, {account: None}) as purse, nothing_delivered():
        return _previewed(graph, rows, StepContext(gateway, purse=purse, observer=observer))


def _previewed(graph: Graph, rows: int, base: StepContext) -> DatasetVersion:
    workspace, branches = Workspace(home()), graph.branches()
    for step in graph.steps.values():
        step.load()
    frames: dict[str, pl.DataFrame] = {}
    partitions: dict[str, list[Partition]] = {}
    for name in graph.order():
        step = graph.steps[name]
        sources = [frames[source] for source in graph.sources_of(name)]
        context = StepContext(
            base.gateway, purse=base.purse, observer=base.observer, branch=branches.get(name, 0)
        )
        if isinstance(step, GeneratorStep):
            sources = [_first_rows(step, rows)]
            outcome = Outcome(sources[0])
            if isinstance(step, GeneratorTask):
                outcome = step.apply(sources[0], context)
            else:
                graph.validate({name: dict(sources[0].schema)})
        elif isinstance(step, FanInStep):
            outcome = step.apply_joined(sources, graph.sources_of(name))
        elif isinstance(step, GlobalStep):
            outcome = step.apply_to_dataset(sources[0].lazy(), context)
        else:
            outcome = step.apply(sources[0], context)
        step.unload()
        frames[name] = outcome.frame
        partitions[name] = [workspace.write(outcome, keys_of(sources))]
    return DatasetVersion(graph, workspace, partitions)


def _first_rows(step: GeneratorStep, rows: int) -> pl.DataFrame:
    taken: list[pl.DataFrame] = []
    for frame in step.keyed_frames():
        taken.append(frame.head(rows - sum(part.height for part in taken)))
        if sum(part.height for part in taken) >= rows:
            break
    if not taken:
        raise ConfigurationError(f"The source {step.name!r} has no rows.")
    return pl.concat(taken, how="diagonal_relaxed")
