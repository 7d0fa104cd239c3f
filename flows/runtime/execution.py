"""A graph as Prefect task runs: sources first, then each step over each partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.runtime.pending import joined
from flows.runtime.run import Run
from flows.runtime.sharing import shared_limits
from flows.runtime.step_runs import Reference, dataset_task, partition_task, source_task
from flows.runtime.workspace import Partition
from llms.errors import BatchPending, BudgetExceeded, StillhouseError
from tasks.fan_in import FanInStep
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.step import GeneratorStep, GlobalStep

_PARTITIONS_AT_ONCE = 16


class RunFailed(StillhouseError):
    """A step failed for a reason that is not the user's configuration."""


Partitions = dict[str, list[Partition]]
"""Step name to the partitions it made."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Steps that work partition by partition, after steps that need the whole dataset."""

    whole: list[str]
    piecewise: list[str]


def execute(run: Run) -> Partitions:
    """Run every step and return what each one made. Must be called inside a flow run.

    Raises:
        BatchPending: all that can begin has begun, and waits for batch jobs.
        StillhouseError: the first error that stopped the run. What is finished is kept.
    """
    run.graph.validate()
    run.graph.check_models(run.purse)
    run.load()
    run.shares = shared_limits(run.graph)
    made: dict[str, list[Any]] = {}
    stages = _stages(run.graph)
    workers = _PARTITIONS_AT_ONCE * max(1, len(run.graph.steps) - 1)
    runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=workers)
    with runner:
        try:
            seeds = _read_sources(run, runner, made)
            for stage in stages:
                _submit(run, runner, stage, made, seeds)
            return {
                name: [_gathered(run, name, number, item) for number, item in enumerate(items)]
                for name, items in made.items()
            }
        except BatchPending:
            raise _what_stops(run, made) from None
        except BaseException as error:
            reason = error if isinstance(error, StillhouseError) else RunFailed("interrupted")
            run.stop(reason)
            run.gateway.interrupt()
            if isinstance(error, BudgetExceeded):
                raise _what_stops(run, made) from None
            raise


def _what_stops(run: Run, made: dict[str, list[Any]]) -> StillhouseError:
    """Return why a run ends, once all that has begun is done.

    A job that goes on may still give back a part of a budget that has no room.
    """
    pending = []
    for item in (item for items in made.values() for item in items):
        if isinstance(item, PrefectFuture):
            item.wait()
            # a task whose input was not made never began
            failed = item.state.is_failed()
            result = item.state.result(raise_on_failure=False) if failed else None
            pending += [result] if isinstance(result, BatchPending) else []
    if run.error is not None and not (pending and isinstance(run.error, BudgetExceeded)):
        return run.error
    return joined(pending)


def _read_sources(
    run: Run, runner: ThreadPoolTaskRunner[Any], made: dict[str, list[Any]]
) -> dict[str, list[Reference]]:
    """Read the sources and check the graph again, now that their columns are known.

    Returned are the rows without columns that generator tasks ask their models about.
    """
    known = {}
    seeds: dict[str, list[Reference]] = {}
    for name, step in run.graph.steps.items():
        if not isinstance(step, GeneratorStep):
            continue
        task = source_task(name)
        references = _finished(run, name, runner.submit(task, {"run_id": run.id, "step": name}))
        partitions = [Partition.from_json(reference) for reference in references]
        if isinstance(step, GeneratorTask):
            seeds[name] = references
        else:
            made[name] = references
            known[name] = dict(run.workspace.scan(partitions).collect_schema())
        for reached in [name, *run.graph.followers_of(name)]:
            run.progress.expect(reached, sum(partition.rows for partition in partitions))
    run.graph.validate(known)
    return seeds


def _submit(
    run: Run,
    runner: ThreadPoolTaskRunner[Any],
    stage: _Stage,
    made: dict[str, list[Any]],
    seeds: dict[str, list[Reference]],
) -> None:
    for name in stage.whole:
        inputs = [
            [_finished(run, source, item) for item in made[source]]
            for source in run.graph.sources_of(name)
        ]
        whole = {"run_id": run.id, "step": name, "inputs": inputs}
        made[name] = _finished(run, name, runner.submit(dataset_task(name), whole))
    tasks = {name: partition_task(run, name) for name in stage.piecewise}
    for name in stage.piecewise:
        made[name] = []
    number = 0
    unfinished = list(stage.piecewise)
    while unfinished:
        for name in list(unfinished):
            sources = [made[source] for source in run.graph.sources_of(name)] or [seeds[name]]
            if number >= min(len(source) for source in sources):
                unfinished.remove(name)
                continue
            parameters: dict[str, Any] = {
                "run_id": run.id,
                "step": name,
                "partition": number,
                "inputs": [source[number] for source in sources],
            }
            made[name].append(runner.submit(tasks[name], parameters))
        number += 1


def _gathered(run: Run, step: str, number: int, item: Any) -> Partition:
    """Return a finished partition; one that Prefect found in its cache is counted here."""
    partition = Partition.from_json(_finished(run, step, item))
    if isinstance(item, PrefectFuture) and (step, number) not in run.executed:
        books = partition.accounts
        run.progress.add(step, done=books.rows_in - books.rejected, rejected=books.rejected)
    return partition


def _finished(run: Run, step: str, item: PrefectFuture[Any] | Reference) -> Any:
    """Return the result behind a future.

    Raises:
        StillhouseError: the error that stopped the run.
    """
    if not isinstance(item, PrefectFuture):
        return item
    item.wait()
    result = item.state.result(raise_on_failure=False)
    if item.state.is_completed():
        return result
    if run.error is not None:
        raise run.error
    if isinstance(result, StillhouseError):
        raise result
    raise RunFailed(f"The run failed in step {step!r}: {item.state.message or repr(result)}.")


def _stages(graph: Graph) -> list[_Stage]:
    """Cut the graph where a step needs all rows of the steps before it."""
    stage_of: dict[str, int] = {}
    origin_of: dict[str, str] = {}
    whole: set[str] = set()
    for name in graph.order():
        step, sources = graph.steps[name], graph.sources_of(name)
        if isinstance(step, GeneratorStep):
            stage_of[name], origin_of[name] = 0, name
            continue
        origins = {origin_of[source] for source in sources}
        needs_all = isinstance(step, GlobalStep) or (
            isinstance(step, FanInStep) and len(origins) > 1
        )
        if needs_all:
            whole.add(name)
        stage_of[name] = max(stage_of[source] for source in sources) + int(needs_all)
        origin_of[name] = name if needs_all else origins.pop()
    count = max(stage_of.values()) + 1
    steps = [
        name
        for name in graph.order()
        if graph.sources_of(name) or isinstance(graph.steps[name], GeneratorTask)
    ]
    return [
        _Stage(
            [name for name in steps if stage_of[name] == number and name in whole],
            [name for name in steps if stage_of[name] == number and name not in whole],
        )
        for number in range(count)
    ]
