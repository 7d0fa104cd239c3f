"""What each step did on the way of one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.refresh.byte_differences import changes_of
from flows.refresh.retelling import Retelling
from flows.refresh.rows_on_the_way import RowsOnTheWay, generation
from flows.refresh.story import AnswerStory, Ending, StepStory
from flows.runtime.stages import stages
from flows.versions.saved import SavedVersion
from tasks.graph import Graph
from tasks.row import KEY, Rejection, Row

Record = dict[str, Any]
"""A record of provenance."""


def step_stories(
    version: SavedVersion,
    records: Sequence[Record],
    endings: Sequence[Ending],
    rejections: Mapping[str, Rejection],
    told: Retelling,
) -> Iterator[StepStory]:
    """Yield the stories of all steps that lead to where a row ended, in order.

    `records` are those of provenance for each of the `endings`, `rejections` are by step.
    """
    graph = version.graph
    way = RowsOnTheWay(graph, told)
    ends = []
    for record in records:
        if record["status"] == "made":
            ends.append(version.manifest.configurations[record["configuration"]].step)
            way.follow(ends[-1], record[KEY])
        else:
            ends.append(record["step"])
            way.follow_into(ends[-1], rejections[ends[-1]].parent)
    whole = [name for stage in stages(graph) for name in stage.whole]
    for name in graph.order():
        if not any(name == end or end in graph.followers_of(name) for end in ends):
            continue
        step, rejection = graph.steps[name], rejections.get(name)
        number = way.generation_of(name)
        if rejection is not None:
            number = generation(step, rejection.parent, rejection.key)
        yield StepStory(
            name,
            type(step).__name__,
            name in whole,
            tuple(_answers(name, records, told)),
            number,
            {} if rejection else way.made_by(name, _rows_after(graph, name, ends, endings)),
            "; ".join(_notes(version, name, whole, told)),
        )


def _rows_after(
    graph: Graph, name: str, ends: Sequence[str], endings: Sequence[Ending]
) -> Iterator[Row]:
    """Yield the row as it came out of the pipeline, where a step is on the way there."""
    reached = {name, *graph.followers_of(name)}
    for end, ending in zip(ends, endings, strict=True):
        if ending.status == "made" and end in reached:
            yield ending.row


def _answers(step: str, records: Sequence[Record], told: Retelling) -> list[AnswerStory]:
    """Return the answers behind a row in a step, in the order in which they are asked for."""
    listed = {
        item["key"]: item
        for record in records
        for item in record["answers"]
        if item["step"] == step
    }
    order = {key: place for place, key in enumerate(told.asked)}
    return [
        _answer(listed[key], told) for key in sorted(listed, key=lambda k: order.get(k, len(order)))
    ]


def _answer(item: Record, told: Retelling) -> AnswerStory:
    asked, completion = told.asked.get(item["key"]), told.completion(item["key"])
    return AnswerStory(
        item["key"],
        item["model"],
        item["request_id"],
        item["input_tokens"],
        item["output_tokens"],
        item["cost_usd"],
        asked.messages if asked else None,
        completion.text if completion else None,
        completion.finish_reason if completion else None,
        asked.generation if asked else None,
        asked.correction if asked else False,
    )


def _notes(
    version: SavedVersion, name: str, whole: Sequence[str], told: Retelling
) -> Iterator[str]:
    graph = version.graph
    if changed := changes_of(version, name):
        yield f"it does something else in this checkout: {' and '.join(changed)}"
    if version.manifest.provenance != "answers":
        yield "the version keeps no source rows and no answers"
    elif not told.rows and not told.failed:
        yield "its source row is not known"
    elif name in whole:
        yield "it sees all rows at once, and is not made again for this one"
    elif name in told.failed:
        yield f"it does not work here ({told.failed[name]})"
    elif name not in told.rows:
        yield f"it comes after {_barrier(graph, name, whole, told)}, so its prompts are not shown"


def _barrier(graph: Graph, name: str, whole: Sequence[str], told: Retelling) -> str:
    """Say which step before another one is not made again, and why."""
    for before in graph.order():
        if name in graph.followers_of(before):
            if before in whole:
                return f"step {before!r}, which sees all rows at once"
            if before in told.failed:
                return f"step {before!r}, which does not work here"
    return "a step that is not made again"
