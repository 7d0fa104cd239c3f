"""A graph as Prefect task runs: sources first, then each step over each partition."""

from __future__ import annotations

from typing import Any

from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.runtime.memory import pieces_of
from flows.runtime.pending import joined
from flows.runtime.run import Run
from flows.runtime.sharing import shared_limits
from flows.runtime.stages import Stage, stages
from flows.runtime.step_runs import Reference, dataset_task, partition_task, source_task
from flows.runtime.workspace import Partition
from llms.errors import BatchPending, BudgetExceeded, StillhouseError
from tasks.generator_task import GeneratorTask
from tasks.step import GeneratorStep

_PARTITIONS_AT_ONCE = 16


class RunFailed(StillhouseError):
    """A step failed for a reason that is not the user's configuration."""


Partitions = dict[str, list[Partition]]
"""Step name to the partitions it made."""


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
    workers = _PARTITIONS_AT_ONCE * max(1, len(run.graph.steps) - 1)
    runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=workers)
    with runner:
        try:
            seeds = _read_sources(run, runner, made)
            for stage in stages(run.graph):
                _submit(run, runner, stage, made, seeds)
            finished = {
                name: [_gathered(run, name, number, item) for number, item in enumerate(items)]
                for name, items in made.items()
            }
            run.pieces = pieces_of(run.graph, run.branches, finished)
            return finished
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
        if name in run.sources:
            references = [partition.as_json() for partition in run.sources[name]]
            run.progress.add(name, done=sum(partition.rows for partition in run.sources[name]))
        else:
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
    stage: Stage,
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
