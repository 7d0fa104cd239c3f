"""Text of the data in Markdown, where it must not format, link or mention anything."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flows.reporting.page.rendering import printable

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!&])")
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED_BAR = r"\\|"
_MENTION = "@\u200b"


def prose(text: str) -> str:
    """Return a sentence in which only what stands between backticks has a meaning."""
    parts = _CODE.split(" ".join(printable(text).split()))
    return "".join(
        part if number % 2 else _SPECIAL.sub(r"\\\1", part).replace("@", _MENTION)
        for number, part in enumerate(parts)
    )


def table(headings: str, lines: Iterable[str]) -> str:
    """Return a table, empty without lines; a heading that begins with `>` has numbers below it."""
    names = headings.split(" | ")
    rules = "|".join("--:" if name.startswith(">") else "---" for name in names)
    head = " | ".join(name.removeprefix(">") for name in names)
    listed = list(lines)
    return "\n".join([f"| {head} |", f"|{rules}|", *listed]) if listed else ""


def line(*cells: object) -> str:
    """Return a line of a table; a bar inside a cell does not end it."""
    return f"| {' | '.join(_BAR.sub(_ESCAPED_BAR, str(cell)) for cell in cells)} |"


def diff_block(text: str) -> str:
    """Return a difference as a block of code that nothing in it can end."""
    runs = [len(run) for run in re.findall(r"`+", text)]
    fence = "`" * max(3, 1 + max(runs, default=0))
    return f"{fence}diff\n{text}\n{fence}"
