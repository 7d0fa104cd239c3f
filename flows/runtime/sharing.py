"""The share of a model that this run gets where several processes use it.

Whoever makes a global concurrency limit named like a model (`prefect gcl create
mistral:mistral-small-latest --limit 4`) lets so many partitions of all runs on that Prefect server
ask the model at once. The processes themselves keep each to the provider's limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency

from llms.llm import LLM, CompositeLLM
from tasks.graph import Graph
from tasks.task import Task

_LEASE_SECONDS = 120


def shared_limits(graph: Graph) -> dict[str, list[str]]:
    """Return the limits on the Prefect server that each step's models come under."""
    wanted = {
        name: sorted(set(_names(step.llm)))
        for name, step in graph.steps.items()
        if isinstance(step, Task)
    }
    if not wanted:
        return {}
    with get_client(sync_client=True) as client:
        there = {limit.name for limit in client.read_global_concurrency_limits(limit=200)}
    return {name: found for name, names in wanted.items() if (found := sorted({*names} & there))}


@contextmanager
def share_of(limits: list[str]) -> Iterator[None]:
    """Hold one slot of each limit while a partition is worked on."""
    if not limits:
        yield
        return
    with concurrency(limits, occupy=1, lease_duration=_LEASE_SECONDS):
        yield


def _names(llm: LLM) -> list[str]:
    if isinstance(llm, CompositeLLM):
        return [name for member in llm.members for name in _names(member)]
    return [f"{llm.provider}:{llm.model}".replace("/", "-")]
