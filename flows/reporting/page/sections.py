"""The sections of the page, in their order; one without content is empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from flows.comparison import duplicates
from flows.comparison.costs import Costs
from flows.comparison.excerpts import text_of
from flows.comparison.rows import ChangedRow, ShownRow
from flows.reporting.page.charts import Amount, bar_chart
from flows.reporting.page.drawn import drawn_configuration
from flows.reporting.page.graph import Node, pipeline_graph
from flows.reporting.page.making import making
from flows.reporting.page.rejected import examples
from flows.reporting.page.rendering import clipped, count, rendered
from flows.reporting.page.report import Report
from llms.spending import dollars

_CONFIGURATIONS = 6
_VERDICTS = 60
_DRAWN_STEPS = 60
_ABOUT = 120

Rows = tuple[str, int, tuple[ShownRow, ...]]
"""A configuration's name, how many rows there are of a kind, and some of them."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: the anchor that leads to it, its heading and what it holds."""

    anchor: str
    title: str
    content: Markup


def sections(report: Report) -> Iterator[Section]:
    """Yield the sections; of many configurations the first six are shown."""
    everything = report.comparison.configurations
    shown = dict(list(everything.items())[:_CONFIGURATIONS])
    many = len(everything) > 1

    def filled(anchor: str, title: str, template: str = "", **values: Any) -> Section:
        name = f"{template or anchor}.html.jinja2"
        return Section(anchor, title, rendered(name, report=report, many=many, **values))

    verdicts = sorted(report.verdicts, key=lambda verdict: bool(verdict["passed"]))
    more = max(0, len(verdicts) - _VERDICTS)
    yield filled("gates", "Gates", shown=verdicts[:_VERDICTS], more=more)
    yield filled("findings", "What moved")
    yield filled("plan", "Plan")
    if len(report.version.manifest.steps) <= _DRAWN_STEPS:
        yield filled("pipeline", "Pipeline", **_pipeline(report))
    yield filled("accounts", "Accounts")
    drawn = [drawn_configuration(report, name, its) for name, its in shown.items()]
    left_out = list(everything)[_CONFIGURATIONS:]
    yield filled("distributions", "Distributions", configurations=drawn, left_out=left_out)
    changed = {name: its.rows for name, its in shown.items() if its.rows.changed}
    about = [_about(row) for its in changed.values() for row in its.changed_rows]
    yield filled("changed", "Changed rows", configurations=changed, about=dict(about))
    new = [(name, its.rows.added, its.rows.added_rows) for name, its in shown.items()]
    gone = [(name, its.rows.removed, its.rows.removed_rows) for name, its in shown.items()]
    some = [(name, its.rows.rows, its.rows.samples) for name, its in shown.items()]
    yield filled("new", "New rows", "rows", configurations=_with_rows(new))
    yield filled("gone", "Rows that are gone", "rows", configurations=_with_rows(gone))
    yield filled("samples", "Samples", "rows", configurations=_with_rows(some))
    found = examples(report.version, report.comparison.rejections.reasons)
    yield filled("rejections", "Rejected rows", examples=found)
    chart = _cost_chart(report.comparison.costs, report.names)
    yield filled("costs", "Cost", chart=chart)
    near = [(name, found) for name, its in shown.items() for found in its.duplicates]
    yield filled("duplicates", "Near-duplicates", found=near, sample=duplicates.SAMPLE)
    yield filled("making", "How it was made", making=making(report.version))


def _with_rows(listed: list[Rows]) -> list[Rows]:
    return [its for its in listed if its[2]]


def _about(row: ChangedRow) -> tuple[str, str]:
    """Return a row's key and the beginning of its first text that did not change."""
    changed = {value.column for value in row.values}
    texts = (text_of(value) for name, value in row.row.items() if name not in changed)
    return row.key, clipped(next((text for text in texts if text.strip()), ""), _ABOUT)


def _pipeline(report: Report) -> dict[str, Any]:
    steps = report.version.manifest.steps
    before = report.before.manifest.steps if report.before else {}
    nodes = []
    for name, step in steps.items():
        earlier = before.get(name)
        nodes.append(
            Node(
                name,
                tuple(step.after),
                step.step,
                f"{count(step.accounts.get('rows_out', 0))} rows",
                asks="its parameter llm.model" in step.parts,
                changed=bool(before) and (not earlier or earlier.signature != step.signature),
            )
        )
    return {
        "across": Markup(pipeline_graph(nodes, "across")),
        "down": Markup(pipeline_graph(nodes, "down")),
        "changed": any(node.changed for node in nodes),
    }


def _cost_chart(costs: Costs, names: tuple[str, str]) -> Markup:
    """Return the cost of each step as bars; tokens where no price is known."""
    priced = costs.now.usd > 0
    unit = dollars if priced else count
    amounts = []
    for step in costs.steps:
        now, before = (
            (its.usd if priced else its.input_tokens + its.output_tokens) if its else 0
            for its in (step.now, step.before)
        )
        amounts.append(Amount(step.step, now, before if costs.before else None, unit(now)))
    title = "US dollars by step" if priced else "Tokens by step"
    return Markup(bar_chart(title, amounts, names))
