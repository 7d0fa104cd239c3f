"""The report on a candidate: a page in its folder, the charts of its card, Markdown for Prefect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flows.comparison.comparison import Comparison, compare
from flows.dataset import DatasetVersion
from flows.gates import Verdict
from flows.publishing.card_page import CHARTS
from flows.publishing.folder import translated_errors, write_files
from flows.refresh.plan import Plan
from flows.reporting.markdown_report import markdown_report
from flows.reporting.page.charts import distribution_chart
from flows.reporting.page.page import report_page
from flows.reporting.page.report import Report, RunFacts
from flows.versions.saved import SavedVersion

REPORT = "report.html"
_CHARTS_OF_A_CONFIGURATION = 6


def write_report(
    version: DatasetVersion,
    candidate: SavedVersion,
    before: SavedVersion | None,
    plan: Plan,
    verdicts: Sequence[Verdict],
    seconds: float,
) -> str:
    """Write page and charts into the candidate's folder; return a shorter page as Markdown."""
    comparison = compare(candidate, before)
    failed = [verdict.sentence for verdict in verdicts if not verdict.passed]
    facts = RunFacts(
        version.run,
        f"not published: {failed[0]}"
        if failed
        else f"version {candidate.manifest.tag} may be published",
        version.calls,
        version.books.requests - version.calls,
        version.spent_usd,
        seconds,
    )
    report = Report(
        candidate,
        before,
        comparison,
        facts,
        [verdict.as_json() for verdict in verdicts],
        plan.as_json(),
    )
    files = {REPORT: report_page(report).encode(), **dict(_charts(comparison))}
    with translated_errors(candidate.folder):
        write_files(candidate.folder, files)
    return markdown_report(report)


def _charts(comparison: Comparison) -> Iterator[tuple[str, bytes]]:
    """Yield the charts that the card shows: columns whose values differ from row to row."""
    several = len(comparison.configurations) > 1
    taken: set[str] = set()
    for name, configuration in comparison.configurations.items():
        varied = [drift for drift in configuration.columns if len(drift.now.counts) > 1]
        for drift in varied[:_CHARTS_OF_A_CONFIGURATION]:
            title = f"{name} {drift.name}" if several else drift.name
            stem = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
            if not stem or stem in taken:
                stem = f"{stem}-{len(taken)}".strip("-")
            taken.add(stem)
            yield f"{CHARTS}/{stem}.svg", distribution_chart(drift.now).encode()
