"""A question to the person at the terminal."""

from __future__ import annotations

import select
import sys
from datetime import timedelta

from rich.markdown import Markdown

from flows.refresh.approvals import declined, unanswered
from flows.reporting.terminal import console, tell


def ask_at_terminal(question: str, page: str, patience: timedelta) -> None:
    """Show a Markdown page and read a yes or a no; anything but a yes is a no.

    Raises:
        NotApproved: the answer is no, or there was none in time.
    """
    console.print(Markdown(page))
    console.print(question, "[bold]\\[y/N][/] ", end="", markup=True, highlight=False)
    if not _typed_within(patience):
        console.print()
        raise unanswered(question, patience)
    answer, _, note = sys.stdin.readline().strip().partition(" ")
    if answer.lower() not in ("y", "yes"):
        raise declined(question, note.strip())
    tell("Approved.")


def _typed_within(patience: timedelta) -> bool:
    """Wait for a line; on Windows, where a terminal cannot be waited for, without an end."""
    if sys.platform == "win32":
        return True
    ready, _, _ = select.select([sys.stdin], [], [], patience.total_seconds())
    return bool(ready)
