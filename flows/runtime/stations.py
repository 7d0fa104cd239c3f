"""The stations of a refresh beside its steps, as Prefect task runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE

T = TypeVar("T")


def station(name: str, work: Callable[[], T]) -> T:
    """Do some work as a task run of the current flow run.

    What it returns stays in this process: nothing of it crosses Prefect.
    """
    made: list[T] = []

    def run() -> None:
        made.append(work())

    task: Task[[], None] = Task(run, name=name, cache_policy=NO_CACHE, persist_result=False)
    state: Any = task(return_state=True)
    if not made:
        state.result()
    return made[0]
