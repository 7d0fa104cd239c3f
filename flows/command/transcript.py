"""Prompts and replies on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from llms.chat import Answer, ChatMessage, ChatType, text_content
from tasks.outcome import Observer

_CONTROLS = {
    number: f"\\x{number:02x}"
    for number in (*range(32), *range(127, 160))
    if chr(number) not in "\n\t"
}


class Transcript(Observer):
    """Prints every call: the prompt as sent and the reply as it came."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def answered(self, step: str, key: str, chat: ChatType, answer: Answer) -> None:
        completion = answer.completion
        text = Text()
        add_exchange(text, chat, completion.text)
        usage = completion.usage
        said = (
            f"{completion.model}, {usage.input_tokens} tokens in, {usage.output_tokens} out, "
            f"finish reason {completion.finish_reason}"
            f"{', from the store' if answer.reused else ''}"
        )
        self._console.print(panel(text, f"{step}  row {key[:8]}", said))


def add_exchange(text: Text, chat: Sequence[ChatMessage] | None, reply: str | None) -> None:
    """Add a prompt and a reply, each as far as it is there."""
    for message in chat or ():
        text.append(f"{printable(message['role'])}\n", style="bold cyan")
        text.append(f"{printable(text_content(message))}\n\n")
    if reply is not None:
        text.append("reply\n", style="bold green")
        text.append(printable(reply))


def add_row(text: Text, row: Mapping[str, Any]) -> None:
    """Add the columns of a row, each on a line."""
    for column, value in row.items():
        text.append(f"{printable(column)}: ", style="bold")
        text.append(f"{printable(str(value))}\n")


def panel(text: Text, title: str, said: str = "") -> Panel:
    """Return a panel; neither title nor what is said below is read as markup."""
    text.rstrip()
    subtitle = Text(printable(said)) if said else None
    return Panel(text, title=Text(printable(title)), subtitle=subtitle, title_align="left")


def printable(text: str) -> str:
    """Return text that does nothing to a terminal: escape codes are shown and not obeyed."""
    return text.translate(_CONTROLS).encode("utf-8", "backslashreplace").decode()
