"""One step over one partition, as a Prefect task run."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE, CacheKeyFnPolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.logging import get_run_logger
from prefect.tasks import exponential_backoff

from flows.runtime.progress import AttemptObserver
from flows.runtime.run import Run, RunStopped, find_run
from flows.runtime.sharing import share_of
from flows.runtime.work import make_dataset, make_partition, read_source
from flows.runtime.workspace import Partition
from llms.digest import digest
from llms.errors import BatchPending, StillhouseError, TransientError
from tasks.generator_task import GeneratorTask
from tasks.outcome import Accounts, StepContext

RETRIES = 3
FIRST_WAIT_SECONDS = 10

Reference = dict[str, Any]
"""A `Partition` as plain JSON."""


def source_task(step: str) -> Task[Any, list[Reference]]:
    """Return the Prefect task that reads a source into partitions."""
    return Task(
        _read_source, name=step, task_run_name=step, cache_policy=NO_CACHE, persist_result=False
    )


def partition_task(run: Run, step: str) -> Task[Any, Reference]:
    """Return the Prefect task that runs a step over one partition."""
    return Task(
        _run_partition,
        name=step,
        task_run_name=step + " {partition}",
        **_retrying(),
        persist_result=True,
        result_storage=run.workspace.results,
        result_serializer="json",
        cache_policy=CacheKeyFnPolicy(cache_key_fn=_cache_key),
    )


def dataset_task(step: str) -> Task[Any, list[Reference]]:
    """Return the Prefect task that runs a step over the whole dataset."""
    return Task(
        _run_dataset,
        name=step,
        task_run_name=step,
        cache_policy=NO_CACHE,
        persist_result=False,
        **_retrying(),
    )


def _retrying() -> dict[str, Any]:
    """Return how a task tries again what outlasted the gateway's own retries."""
    return {
        "retries": RETRIES,
        "retry_delay_seconds": exponential_backoff(FIRST_WAIT_SECONDS),
        "retry_jitter_factor": 0.5,
        "retry_condition_fn": _is_worth_retrying,
    }


def _read_source(run_id: str, step: str) -> list[Reference]:
    run = find_run(run_id)
    partitions = read_source(run, step)
    rows = sum(partition.rows for partition in partitions)
    if not isinstance(run.graph.steps[step], GeneratorTask):
        run.progress.add(step, done=rows)
    get_run_logger().info("%d rows in %d partitions", rows, len(partitions))
    return [partition.as_json() for partition in partitions]


def _run_partition(run_id: str, step: str, partition: int, inputs: list[Reference]) -> Reference:
    run = find_run(run_id)
    taken = [Partition.from_json(reference) for reference in inputs]
    with run.rooms[step].place(max(part.rows for part in taken)) as place:
        observer = AttemptObserver(run.progress, step, place)
        try:
            run.raise_if_stopped()
            with share_of(run.shares.get(step, [])):
                made = make_partition(run, step, taken, _context(run, step, observer))
            observer.settle(made.accounts.rows_in, made.accounts.rejected)
            run.watch_for_hopelessness(step)
        except StillhouseError as error:
            observer.settle(0, 0)
            if not isinstance(error, (TransientError, BatchPending)):
                run.stop(error)
            raise
    run.executed.add((step, partition))
    _log(made.accounts)
    return made.as_json()


def _run_dataset(run_id: str, step: str, inputs: list[list[Reference]]) -> list[Reference]:
    run = find_run(run_id)
    run.raise_if_stopped()
    taken = [[Partition.from_json(reference) for reference in source] for source in inputs]
    observer = AttemptObserver(run.progress, step)
    partitions = make_dataset(run, step, taken, _context(run, step, observer))
    accounts = sum((partition.accounts for partition in partitions), Accounts())
    observer.settle(accounts.rows_in, accounts.rejected)
    _log(accounts)
    return [partition.as_json() for partition in partitions]


def _context(run: Run, step: str, observer: AttemptObserver) -> StepContext:
    attempt = TaskRunContext.get()
    last = attempt is None or attempt.task_run.run_count > RETRIES
    return StepContext(
        run.gateway,
        purse=run.purse,
        observer=observer,
        branch=run.branches.get(step, 0),
        final_attempt=last,
    )


def _log(accounts: Accounts) -> None:
    get_run_logger().info(
        "%d rows in, %d out, %d rejected, %d filtered, %d requests",
        accounts.rows_in,
        accounts.rows_out,
        accounts.rejected,
        accounts.filtered,
        accounts.requests,
    )


def _is_worth_retrying(task: Any, task_run: TaskRun, state: State[Any]) -> bool:
    try:
        state.result(raise_on_failure=True)
    except (Exception, RunStopped) as error:
        return isinstance(error, TransientError)
    return False


def _cache_key(context: TaskRunContext, parameters: dict[str, Any]) -> str | None:
    """Name the result by what the step does and the content it does it to.

    A stored result whose files are gone, or that left rows unanswered, is removed here, so that
    Prefect does not find it and the step runs.
    """
    run = find_run(parameters["run_id"])
    step = run.graph.steps[parameters["step"]]
    if not run.remembers(step):
        return None
    digests = [reference["digest"] for reference in parameters["inputs"]]
    key = digest([step.signature, run.branches.get(step.name, 0), digests])
    _forget_if_useless(run, run.workspace.results / key)
    return key


def _forget_if_useless(run: Run, record: Path) -> None:
    if not record.is_file():
        return
    try:
        stored = json.loads(json.loads(record.read_text(encoding="utf-8"))["result"])
        partition = Partition.from_json(stored)
        useful = run.workspace.has(partition) and not partition.unanswered
    except (OSError, ValueError, KeyError, TypeError):
        useful = False
    if not useful:
        with suppress(OSError):
            record.unlink()
