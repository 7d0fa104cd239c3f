"""The page: one HTML file that needs nothing else, neither network nor script."""

from __future__ import annotations

import re

from flows.reporting.page.figures import figures
from flows.reporting.page.rendering import rendered_text, web_address
from flows.reporting.page.report import Report
from flows.reporting.page.sections import sections

_BAD = re.compile(r"fail|stopp|refus|error", re.IGNORECASE)


def report_page(report: Report) -> str:
    """Return the report on a run as one HTML file.

    Every value is escaped. The page shows samples: it stays small however many rows there are.
    """
    return rendered_text(
        "page.html.jinja2",
        report=report,
        outcome=report.run.outcome[:1].upper() + report.run.outcome[1:],
        tone=_tone(report),
        links={name: link for name, link in report.run.links.items() if web_address(link)},
        figures=figures(report),
        sections=[section for section in sections(report) if section.content.strip()],
    )


def _tone(report: Report) -> str:
    if report.failed or _BAD.search(report.run.outcome):
        return "bad"
    return "quiet" if report.unchanged else "good"
