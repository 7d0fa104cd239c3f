"""The report on a run as Markdown, for a comment on a pull request, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from flows.comparison.distribution import Distribution
from flows.comparison.excerpts import plain, shortened
from flows.comparison.rows import ChangedRow, ChangedValue
from flows.comparison.wording import number, percent, quoted
from flows.reporting.accounts import accounts_table, joined
from flows.reporting.markdown_text import diff_block, line, prose, table
from flows.reporting.page.figures import figures
from flows.reporting.page.rendering import as_json, is_short, printable, range_of, web_address
from flows.reporting.page.report import Report
from llms.spending import dollars

_MOST = 60_000
_FINDINGS = 12
_LINES = 20
_ROWS = 5
_VALUES = 4
_DIFF = 1_500


def markdown_report(report: Report) -> str:
    """Return the report as Markdown of at most 60,000 characters; tables are folded.

    Text of the data stands in code or is escaped: it formats nothing, links nowhere and mentions
    nobody.
    """
    said = report.run.outcome[:1].upper() + report.run.outcome[1:]
    links = {name: link for name, link in report.run.links.items() if web_address(link)}
    folded = {
        "Gates": _gates(report),
        "Plan": _plan(report),
        "Accounts": accounts_table(report.version),
        "Distances": _distances(report),
        "Rejected rows": _rejections(report),
        "Cost": _costs(report),
        "Changed rows": "\n\n".join(_changed_rows(report)),
    }
    return _within(
        [
            f"## {prose(report.version.name)} {report.names[0]}: {prose(said)}",
            _figures(report),
            "\n".join(_points(report)),
            " · ".join(f"[{prose(name)}](<{link}>)" for name, link in links.items()),
        ],
        [
            f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"
            for title, content in folded.items()
            if content
        ],
    )


def json_report(report: Report) -> dict[str, Any]:
    """Return the report as plain values: the run, the verdicts, the plan and the comparison."""
    return {
        "dataset": report.version.name,
        "version": report.comparison.now.tag,
        "run": asdict(report.run),
        "verdicts": plain(list(report.verdicts)),
        "plan": plain(report.plan),
        "comparison": report.comparison.as_json(),
    }


def _within(head: list[str], folded: list[str]) -> str:
    """Join as many parts as fit; the last ones are left out, and that is said."""
    kept = list(folded)
    while len(page := joined([*head, *kept])) > _MOST and kept:
        kept.pop()
    left_out = len(folded) - len(kept)
    return page if not left_out else f"{page}\nThe rest is in the report's page.\n"


def _figures(report: Report) -> str:
    said = [
        f"{its.value} {its.name}" + (f" ({its.beside})" if its.beside else "")
        for its in figures(report)
    ]
    return ", ".join(said) + "."


def _points(report: Report) -> Iterator[str]:
    for verdict in report.failed:
        yield f"- Gate **{prose(verdict['gate'])}** failed: {prose(verdict['sentence'])}"
    findings = report.comparison.findings
    for finding in findings[:_FINDINGS]:
        yield f"- {prose(finding)}"
    if len(findings) > _FINDINGS:
        yield f"- And {len(findings) - _FINDINGS} more."
    if report.comparison.before and not findings:
        yield f"- {report.comparison.drift}"


def _gates(report: Report) -> str:
    return table(
        "gate | of | wanted | found | ",
        [
            line(
                prose(its["gate"]),
                prose(its["subject"]),
                prose(str(its["wanted"])),
                prose(its["sentence"]),
                "passed" if its["passed"] else "**failed**",
            )
            for its in report.verdicts
        ],
    )


def _plan(report: Report) -> str:
    if not report.plan:
        return ""
    steps = [
        line(
            quoted(its["step"]),
            *(f"{its[kind]:,}" for kind in ("new", "changed", "removed", "unchanged")),
            range_of(its["calls"]),
            range_of(its["usd"], dollars),
            prose(" ".join(its["why"])),
        )
        for its in report.plan["steps"]
    ]
    return table("step | >new | >changed | >gone | >unchanged | >calls | >cost | why", steps)


def _distances(report: Report) -> str:
    return table(
        "column | >distance | >chance up to | >now | >before | ",
        [
            line(
                quoted(drift.name),
                f"{drift.all.distance:.2f}",
                f"{drift.all.noise:.2f}",
                _middle(drift.now),
                _middle(drift.then),
                "**drifted**" if drift.named else "",
            )
            for its in report.comparison.configurations.values()
            for drift in its.columns[:_LINES]
            if drift.all and drift.then
        ],
    )


def _middle(distribution: Distribution) -> str:
    """Return a distribution in a few words: its median, or its most frequent label."""
    if distribution.quantiles:
        unit = "" if distribution.what == "value" else f" {distribution.what}"
        return f"median {number(distribution.quantiles[0.5])}{unit}"
    if not distribution.counts:
        return "no values"
    label, count = next(iter(distribution.counts.items()))
    return f"{quoted(label)} {percent(count / distribution.values)}"


def _rejections(report: Report) -> str:
    return table(
        f"step | reason | >{report.names[0]} | >{report.names[1]}",
        [
            line(quoted(its.step), quoted(its.reason), f"{its.now:,}", f"{its.before:,}")
            for its in report.comparison.rejections.reasons[:_LINES]
        ],
    )


def _costs(report: Report) -> str:
    def said(usd: float | None) -> str:
        return "" if usd is None else dollars(usd)

    costs = report.comparison.costs
    return table(
        f"step | >requests | >{report.names[0]} | >{report.names[1]}",
        [
            line(
                quoted(its.step),
                f"{its.now.requests:,}" if its.now else "",
                said(its.now.usd if its.now else None),
                said(its.before.usd if its.before else None),
            )
            for its in costs.steps
        ],
    )


def _changed_rows(report: Report) -> Iterator[str]:
    shown = _ROWS
    for its in report.comparison.configurations.values():
        for row in its.rows.changed_rows[:shown]:
            yield _changed_row(row)
            shown -= 1


def _changed_row(row: ChangedRow) -> str:
    lines = [f"**{row.key[:10]}**"]
    for value in row.values[:_VALUES]:
        if is_short(value.before) and is_short(value.now):
            old, new = (quoted(as_json(its)) for its in (value.before, value.now))
            lines.append(f"{quoted(value.column)}: {old} → {new}")
        else:
            lines.append(f"{quoted(value.column)}\n{diff_block(_difference(value))}")
    if len(row.values) > _VALUES:
        lines.append(f"And {len(row.values) - _VALUES} more values.")
    return "\n\n".join(lines)


def _difference(value: ChangedValue) -> str:
    """Return a difference in the form of `diff`: one line for each passage."""
    signs = {"same": "  ", "removed": "- ", "added": "+ "}
    passages = [(its.kind, its.text) for its in value.diff] or [
        ("removed", as_json(value.before)),
        ("added", as_json(value.now)),
    ]
    return "\n".join(
        f"{signs[kind]}{part}"
        for kind, text in passages
        for part in shortened(printable(text), _DIFF).splitlines()
        if part.strip()
    )
