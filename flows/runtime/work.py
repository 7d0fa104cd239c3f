"""What a step does to partitions, without Prefect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import polars as pl

from flows.runtime.memory import dataset_of
from flows.runtime.recalled import Recalled, rejections_in_order
from flows.runtime.run import Run
from flows.runtime.workspace import Partition
from llms.errors import ConfigurationError, NotStored
from tasks.artifacts import artifacts_in
from tasks.fan_in import FanInStep
from tasks.frames import keys_of, rows_of
from tasks.outcome import Accounts, Outcome, StepContext
from tasks.row import KEY, Rejection
from tasks.step import GeneratorStep, GlobalStep, Step


def read_source(run: Run, name: str) -> list[Partition]:
    """Read a source into partitions.

    Raises:
        ConfigurationError: it has no rows.
    """
    source = run.loaded(name)
    assert isinstance(source, GeneratorStep)
    frames = source.keyed_frames()
    if run.most_source_rows is not None:
        frames = _first(frames, run.most_source_rows)
    partitions = []
    for frame in run.partitioned(frames):
        if not frame.height:
            raise ConfigurationError(f"The source {name!r} has no rows.")
        partitions.append(run.workspace.write(Outcome(frame), frame[KEY].to_list()))
    return partitions


def make_partition(run: Run, name: str, taken: list[Partition], context: StepContext) -> Partition:
    """Run a step over one partition of each step that feeds it; what is remembered is not made."""
    step = run.loaded(name)
    if run.remembers(step) and len(taken) == 1:
        known = run.memory.whole(run.work(name), taken[0].digest)
        if known is not None:
            return known
    frames = [run.workspace.read(partition) for partition in taken]
    if isinstance(step, FanInStep):
        outcome = step.apply_joined(frames, run.graph.sources_of(name))
        return run.workspace.write(outcome, keys_of(frames))
    (frame,) = frames
    recalled = run.memory.recall(run.work(name), frame) if run.remembers(step) else None
    with artifacts_in(run.artifacts(name)):
        outcome = _outcome(step, frame, context, recalled)
    return run.workspace.write(outcome, frame[KEY].to_list())


def make_dataset(
    run: Run, name: str, taken: list[list[Partition]], context: StepContext
) -> list[Partition]:
    """Run a step over the whole dataset; the first of the partitions has the books of all.

    What it made of the very same dataset before is taken as it is, unless it saves files beside it
    or sends rows out.
    """
    step = run.loaded(name)
    dataset = dataset_of(run.work(name), taken)
    repeatable = not step.delivers and not run.artifacts(name).is_dir()
    made = run.memory.dataset(dataset) if run.remembers(step) and repeatable else None
    made = made or _made_dataset(run, name, taken, context)
    run.datasets[dataset] = made
    return made


def _made_dataset(
    run: Run, name: str, taken: list[list[Partition]], context: StepContext
) -> list[Partition]:
    step = run.loaded(name)
    keys_in = [key for partition in taken[0] for key in run.workspace.keys(partition)]
    scans = [run.workspace.scan(partitions) for partitions in taken]
    if isinstance(step, FanInStep):
        outcome = step.apply_joined([scan.collect() for scan in scans], run.graph.sources_of(name))
    else:
        assert isinstance(step, GlobalStep)
        with artifacts_in(run.artifacts(name)):
            outcome = step.apply_to_dataset(scans[0], context)
    first, *others = run.partitioned([outcome.frame])
    head = run.workspace.write(replace(outcome, frame=first), keys_in)
    head = replace(head, accounts=outcome.accounts(keys_in))
    rest = [run.workspace.write(Outcome(frame), []) for frame in others]
    return [head, *(replace(partition, accounts=Accounts()) for partition in rest)]


def _first(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield the first rows of a source."""
    for frame in frames:
        yield frame.head(rows)
        rows -= frame.height
        if rows <= 0:
            return


def _outcome(
    step: Step, frame: pl.DataFrame, context: StepContext, recalled: Recalled | None
) -> Outcome:
    """Make the rows that are not recalled, and return all of them."""
    if recalled is not None:
        rest = recalled.rest(frame)
        made = _made_or_not(step, rest, context) if rest.height else None
        if (whole := recalled.beside(frame, made)) is not None:
            return whole
    made = step.apply(frame, context)
    return replace(made, rejections=rejections_in_order(made.rejections, frame[KEY]))


def _made_or_not(step: Step, frame: pl.DataFrame, context: StepContext) -> Outcome:
    """Make rows; where none of them has a stored answer, all are left unanswered."""
    try:
        return step.apply(frame, context)
    except NotStored as error:
        keys, rows = frame[KEY].to_list(), rows_of(frame)
        return Outcome(
            frame.clear(),
            tuple(
                Rejection(key, key, step.name, str(error), row, unanswered=True)
                for key, row in zip(keys, rows, strict=True)
            ),
        )
