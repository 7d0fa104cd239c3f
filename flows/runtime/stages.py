"""Where a graph works partition by partition, and where it needs all rows."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.fan_in import FanInStep
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.step import GeneratorStep, GlobalStep


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps that work partition by partition, after steps that need the whole dataset."""

    whole: list[str]
    piecewise: list[str]


def stages(graph: Graph) -> list[Stage]:
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
        Stage(
            [name for name in steps if stage_of[name] == number and name in whole],
            [name for name in steps if stage_of[name] == number and name not in whole],
        )
        for number in range(count)
    ]
