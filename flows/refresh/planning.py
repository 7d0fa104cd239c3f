"""From a run without a call to a plan: which rows, how many calls, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flows.refresh.estimates import Estimator
from flows.refresh.plan import Plan, StepPlan
from flows.refresh.source_changes import SourceChanges, source_changes
from flows.refresh.step_rows import StepRows, counted, rows_into, rows_out_of
from flows.runtime.changes import Parts, changed_parts, parts_of
from flows.runtime.offline import OfflineRun
from flows.versions.saved import SavedVersion
from tasks.generator_task import GeneratorTask
from tasks.graph import Graph
from tasks.step import GeneratorStep, Step

_NUMBER_OF_ROWS = "its parameter num_rows"

NO_SOURCES = (
    "The last version does not keep the rows of its sources: one that left nothing in the dataset "
    "counts as new, and without provenance all do."
)


def make_plan(offline: OfflineRun, before: SavedVersion | None) -> Plan:
    """Return what a refresh still has to do after a run without a call."""
    graph = offline.run.graph
    changes = source_changes(offline.run.workspace, offline.run.sources, before)
    changed = _changed_steps(graph, before)
    estimator = Estimator(graph, before)
    made: dict[str, StepRows] = {}
    plans = []
    for name in graph.order():
        given = rows_into(offline, name, made, changes, before)
        found = offline.steps[name]
        asked = given.among(found.unanswered)
        beside = given.to_ask(graph.steps[name], does_the_same=estimator.does_the_same(name))
        cost = estimator.cost(name, found, asked.height, beside)
        made[name] = rows_out_of(offline, name, given, asked, estimator)
        reached = [step for step in changed if step == name or name in graph.followers_of(step)]
        counts = given.counts
        removed = _removed(name, counts, changes, before)
        why = ["there is no version yet"]
        if before is not None:
            again = bool(counted(asked)["unchanged"])
            why = [*_why_steps(name, changed, reached), *_why_rows(counts, removed, again, reached)]
        if reached:
            counts |= {"changed": counts["changed"] + counts["unchanged"], "unchanged": 0}
        plans.append(
            StepPlan(
                name,
                type(graph.steps[name]).__name__,
                counts["new"],
                counts["changed"],
                counts["unchanged"],
                removed,
                cost.calls,
                cost.input_tokens,
                cost.output_tokens,
                cost.usd,
                tuple(why),
                tuple(graph.sources_of(name)),
                name in changed,
            )
        )
    tag = before.manifest.tag if before else None
    gone = [name for name in before.manifest.steps if name not in graph.steps] if before else []
    assumptions = estimator.assumptions + (() if changes.is_exact else (NO_SOURCES,))
    return Plan(graph.name, tag, tuple(plans), assumptions, tuple(gone))


def _changed_steps(graph: Graph, before: SavedVersion | None) -> dict[str, list[str]]:
    """Return the steps that do something else than in a version, and what of them changed.

    A source is not among them: its rows tell.
    """
    if before is None:
        return {}
    now, then = parts_of(graph), before.manifest.steps
    changed: dict[str, list[str]] = {}
    for name, step in graph.steps.items():
        if isinstance(step, GeneratorStep) and not isinstance(step, GeneratorTask):
            continue
        if name not in then:
            changed[name] = ["it is a new step"]
            continue
        parts = changed_parts(_deciding(step, then[name].parts), _deciding(step, now[name]))
        if found := list(parts):
            changed[name] = found
        elif then[name].after != tuple(graph.sources_of(name)):
            changed[name] = ["it comes after other steps"]
    return changed


def _deciding(step: Step, parts: Parts) -> Parts:
    """Return the parts that decide what becomes of a row: how many a model makes does not."""
    if not isinstance(step, GeneratorTask):
        return parts
    return {name: part for name, part in parts.items() if name != _NUMBER_OF_ROWS}


def _removed(
    name: str, counts: Mapping[str, int], changes: SourceChanges, before: SavedVersion | None
) -> int:
    if name in changes.removed:
        return changes.removed[name]
    if before is None or name not in before.accounts:
        return 0
    there = counts["changed"] + counts["unchanged"]
    if not changes.is_exact:
        there += counts["new"]
    return max(0, before.accounts[name].rows_in - there)


def _why_steps(name: str, changed: Mapping[str, list[str]], reached: list[str]) -> Iterator[str]:
    yield from changed.get(name, ())
    for step in reached:
        if step != name:
            yield f"step {step!r} before it changed"


def _why_rows(
    counts: Mapping[str, int], removed: int, again: bool, reached: list[str]
) -> Iterator[str]:
    if counts["new"]:
        yield "source rows are new"
    if counts["changed"] and not reached:
        yield "source rows changed"
    if removed and not reached:
        yield "source rows are gone"
    if again and not reached:
        yield "answers about rows that did not change are not stored"
