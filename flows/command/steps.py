"""`stillhouse steps`."""

from __future__ import annotations

from difflib import get_close_matches

from rich.console import Console
from rich.table import Table

from flows.command.catalogue import Entry, catalogue, catalogue_page, families
from llms.errors import ConfigurationError
from tasks.step import GeneratorStep, Step
from tasks.task import Task


def list_steps(name: str | None, *, markdown: bool = False) -> None:
    """Print the catalogue, or all about one step.

    Raises:
        ConfigurationError: there is no such step.
    """
    if markdown:
        print(catalogue_page(), end="")
        return
    known = catalogue()
    console = Console(highlight=False)
    if name is None:
        for family, entries in families(known).items():
            console.print(_family_table(family, entries))
        return
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigurationError(f"There is no step {name!r}.{hint} `stillhouse steps` lists them.")
    _show(console, known[name])


def _family_table(family: str, entries: list[Entry]) -> Table:
    title = f"[bold]{family.replace('_', ' ')}[/]"
    table = Table("step", "reads", "makes", "what it does", title=title, title_justify="left")
    for entry in entries:
        table.add_row(entry.name, entry.reads, entry.makes, entry.summary)
    return table


def _show(console: Console, entry: Entry) -> None:
    console.print(f"[bold]{entry.name}[/] ({entry.kind})\n")
    for paragraph in entry.text.split("\n\n"):
        flowing = paragraph if "\n    " in paragraph else " ".join(paragraph.split())
        console.print(f"{flowing}\n", markup=False)
    if entry.parameters:
        table = Table("parameter", "default", title="Parameters", title_justify="left")
        for parameter, default in entry.parameters.items():
            table.add_row(parameter, default)
        console.print(table)
    base = Task if "task" in entry.kind or "model" in entry.kind else Step
    fields = GeneratorStep.model_fields if entry.kind == "source" else base.model_fields
    shared = sorted(set(fields) - {"pipeline", *entry.parameters})
    console.print(f"Beside these: {', '.join(shared)}.")
    for paper in entry.papers:
        console.print(f"Paper: https://arxiv.org/abs/{paper}")
    if entry.example:
        console.print("\n[bold]Example[/]\n")
        console.print(entry.example, markup=False)
