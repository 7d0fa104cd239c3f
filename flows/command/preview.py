"""`stillhouse preview`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from flows.command.loading import find_flow, read_settings
from llms.chat import Answer, ChatType
from llms.errors import ConfigurationError
from tasks.outcome import Observer


class _Transcript(Observer):
    """Prints every call: the prompt as sent and the reply as it came."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def answered(self, step: str, key: str, chat: ChatType, answer: Answer) -> None:
        completion = answer.completion
        text = Text()
        for message in chat:
            text.append(f"{message['role']}\n", style="bold cyan")
            text.append(f"{message['content']}\n\n")
        text.append("reply\n", style="bold green")
        text.append(completion.text)
        usage = completion.usage
        said = (
            f"{completion.model}, {usage.input_tokens} tokens in, {usage.output_tokens} out, "
            f"finish reason {completion.finish_reason}"
            f"{', from the store' if answer.reused else ''}"
        )
        self._console.print(
            Panel(text, title=f"{step}  row {key[:8]}", subtitle=said, title_align="left")
        )


def preview_flow(name: str, options: Sequence[str]) -> None:
    """Run a few rows of a flow and print every prompt, raw reply, row and rejection.

    Raises:
        StillhouseError: what is wrong with the flow or its settings.
    """
    rows, rest = _rows_of(options)
    found = find_flow(name)
    if found.pipeline is None:
        raise ConfigurationError(
            f"{name!r} has no function pipeline(settings), which a preview needs."
        )
    pipeline = found.pipeline(read_settings(found, rest, "preview"))
    console = Console()
    version = pipeline.preview(rows, _Transcript(console))
    for configuration in version.configurations:
        for row in version.frame(configuration).to_dicts():
            lines = Text()
            for column, value in row.items():
                lines.append(f"{column}: ", style="bold")
                lines.append(f"{value}\n")
            console.print(Panel(lines, title=f"row of {configuration}", title_align="left"))
    for rejection in version.rejections():
        console.print(f"Rejected {rejection.key[:8]} in step {rejection.step}: {rejection.reason}")
    console.print(f"{version.rows} rows, {version.summary()['rejected']} rejected. Nothing saved.")


def _rows_of(options: Sequence[str]) -> tuple[int, list[str]]:
    """Take `--rows N` out of the options; it is the number of source rows to preview."""
    rest = list(options)
    if "--rows" not in rest:
        return 3, rest
    position = rest.index("--rows")
    value = rest[position + 1] if position + 1 < len(rest) else ""
    if not value.isdigit() or int(value) < 1:
        raise ConfigurationError(f"--rows takes a number of at least 1, not {value!r}.")
    del rest[position : position + 2]
    return int(value), rest
