"""The figures at the head of the page."""

from __future__ import annotations

from dataclasses import dataclass

from flows.reporting.page.rendering import count, duration
from flows.reporting.page.report import Report
from llms.spending import dollars


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the run, what it counts, and what it was before or is part of."""

    name: str
    value: str
    beside: str = ""


def figures(report: Report) -> list[Figure]:
    """Return what the run made and what it took."""
    comparison, run = report.comparison, report.run
    now, before = comparison.now, comparison.before
    tag = before.tag if before else ""
    rows = [Figure("rows", count(now.rows), f"{count(before.rows)} in {tag}" if before else "")]
    if before:
        rows += [
            Figure("new", count(comparison.added)),
            Figure("changed", count(comparison.changed)),
            Figure("gone", count(comparison.removed)),
            Figure("unchanged", count(comparison.unchanged)),
        ]
    if now.rejected or (before and before.rejected):
        beside = f"{count(before.rejected)} in {tag}" if before else ""
        rows.append(Figure("rejected", count(now.rejected), beside))
    asked = run.calls + run.reused
    return [
        *rows,
        Figure("model calls", count(run.calls)),
        Figure("answers reused", count(run.reused), f"of {count(asked)}" if asked else ""),
        Figure("spent", dollars(run.spent_usd)),
        Figure("time", duration(run.seconds)),
    ]
