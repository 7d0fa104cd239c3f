"""The report on a run as one HTML page, with its charts."""

from __future__ import annotations

from flows.reporting.page.page import report_page
from flows.reporting.page.report import Report, RunFacts

__all__ = ["Report", "RunFacts", "report_page"]
