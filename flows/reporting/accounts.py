"""The books of a run as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flows.dataset import DatasetVersion
from flows.versions.saved import SavedVersion
from llms.spending import dollars
from tasks.outcome import Accounts
from tasks.row import Row

_CELL = 240
_SAMPLES = 3


Version = DatasetVersion | SavedVersion


def accounts_table(version: Version) -> str:
    """Return a Markdown table: for each step its rows in and out, and what became of the rest."""
    lines = [
        "| step | rows in | expanded | rejected | filtered | rows out | requests | tokens in/out "
        "| cost |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, books in version.accounts.items():
        asked = f"{books.requests:,}" if books.requests else ""
        tokens = f"{books.input_tokens:,} / {books.output_tokens:,}" if books.requests else ""
        lines.append(
            f"| {name} | {books.rows_in:,} | {books.expanded:,} | {books.rejected:,} "
            f"| {books.filtered:,} | {books.rows_out:,} | {asked} | {tokens} | {cost_of(books)} |"
        )
    return "\n".join(lines)


def cost_of(books: Accounts) -> str:
    """Return what the answers behind some rows cost, and how many have no known price."""
    if not books.requests:
        return ""
    if books.unpriced == books.requests:
        return "unknown"
    unknown = f" + {books.unpriced:,} of unknown price" if books.unpriced else ""
    return f"{dollars(books.cost_usd)}{unknown}"


def rejections_table(version: Version) -> str:
    """Return a Markdown table of the most frequent reasons, empty if nothing was rejected."""
    reasons = version.reasons
    if not reasons:
        return ""
    lines = ["| step | reason | rows |", "|---|---|--:|"]
    lines += [f"| {item['step']} | {cell(item['reason'])} | {item['rows']:,} |" for item in reasons]
    return "\n".join(lines)


def samples(version: Version, configuration: str) -> str:
    """Return the first rows of a configuration as Markdown."""
    rows: list[Row] = version.scan(configuration).head(_SAMPLES).collect().to_dicts()
    return "\n\n".join(_sample(number, row) for number, row in enumerate(rows, 1))


def cell(value: Any) -> str:
    """Return a value as the text of one Markdown table cell."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"


def _sample(number: int, row: Row) -> str:
    lines = [f"| row {number} | |", "|---|---|"]
    lines += [f"| `{cell(name)}` | {cell(value)} |" for name, value in row.items()]
    return "\n".join(lines)


def joined(parts: Iterable[str] | Sequence[str]) -> str:
    """Join the parts of a page that are not empty."""
    return "\n\n".join(part for part in parts if part) + "\n"
