"""Reports on runs, for the tests of how they are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.comparison.comparison import compare
from flows.reporting.page import Report, RunFacts
from flows.versions.saved import SavedVersion

RUN = RunFacts(
    run="1f0c5f1e-7d2b-4a50-9d0e-1f2b0b6a8d11",
    outcome="gate failed: step `ratings` rejected 10.7% of its rows; v1 stays",
    calls=700,
    reused=288,
    spent_usd=0.40722,
    seconds=148.3,
    links={
        "Flow run": "http://127.0.0.1:4200/runs/flow-run/1f0c5f1e",
        "Evil": "javascript:alert(1)",
    },
)

VERDICTS: tuple[Mapping[str, Any], ...] = (
    {
        "gate": "rows",
        "subject": "",
        "passed": True,
        "measured": 284,
        "wanted": "at least 250",
        "sentence": "There are 284 rows.",
    },
    {
        "gate": "rejection_rate",
        "subject": "ratings",
        "passed": False,
        "measured": 0.107,
        "wanted": "at most 0.05",
        "sentence": "Step 'ratings' rejected 10.7% of its rows, and at most 5% may be.",
    },
)


def estimate(low: float, expected: float, high: float) -> dict[str, float]:
    """Return a range as plans have it."""
    return {"low": low, "expected": expected, "high": high}


NONE = estimate(0, 0, 0)

PLAN: Mapping[str, Any] = {
    "steps": [
        {
            "step": "instructions",
            "new": 30,
            "changed": 0,
            "unchanged": 288,
            "removed": 12,
            "calls": NONE,
            "input_tokens": NONE,
            "output_tokens": NONE,
            "usd": NONE,
            "why": [],
        },
        {
            "step": "answer-2",
            "new": 30,
            "changed": 288,
            "unchanged": 0,
            "removed": 12,
            "calls": estimate(318, 318, 330),
            "input_tokens": estimate(8_000, 8_400, 9_000),
            "output_tokens": estimate(20_000, 26_000, 31_000),
            "usd": None,
            "why": ['Its parameter llm.model changed from "lantern-13b" to "lantern-13b-2026-11".'],
        },
    ],
    "calls": estimate(666, 678, 723),
    "usd": None,
    "assumptions": ["An answer has as many tokens as in v1 on average."],
}


def report(
    version: SavedVersion,
    before: SavedVersion | None = None,
    run: RunFacts = RUN,
    verdicts: Sequence[Mapping[str, Any]] = (),
    plan: Mapping[str, Any] | None = None,
) -> Report:
    """Return the report on a run that made a version."""
    return Report(version, before, compare(version, before), run, verdicts, plan)
