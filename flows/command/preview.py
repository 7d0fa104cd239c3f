"""`stillhouse preview`."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from flows.command.loading import find_flow, read_settings
from flows.command.transcript import Transcript, add_row, panel, printable
from llms.errors import ConfigurationError


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
    version = pipeline.preview(rows, Transcript(console))
    for configuration in version.configurations:
        for row in version.frame(configuration).to_dicts():
            lines = Text()
            add_row(lines, row)
            console.print(panel(lines, f"row of {configuration}"))
    for rejection in version.rejections():
        said = f"Rejected {rejection.key[:8]} in step {rejection.step}: {rejection.reason}"
        console.print(printable(said), markup=False, highlight=False)
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
