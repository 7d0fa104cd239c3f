"""`stillhouse steps`."""

from __future__ import annotations

import inspect
from difflib import get_close_matches

from rich.console import Console
from rich.table import Table

import tasks
from llms.errors import ConfigurationError
from tasks.fan_in import FanInStep
from tasks.step import GeneratorStep, GlobalStep, Step
from tasks.task import Task

_BASES = {Step, GeneratorStep, GlobalStep, FanInStep, Task}


def catalogue() -> dict[str, type[Step]]:
    """Return the steps that ship with the project, by name."""
    found = {name: getattr(tasks, name) for name in tasks.__all__}
    return {
        name: value
        for name, value in sorted(found.items())
        if isinstance(value, type) and issubclass(value, Step) and value not in _BASES
    }


def list_steps(name: str | None) -> None:
    """Print the catalogue, or all about one step.

    Raises:
        ConfigurationError: there is no such step.
    """
    steps = catalogue()
    if name is None:
        table = Table("step", "reads", "makes", "what it does", show_lines=False)
        for known, cls in steps.items():
            doc = inspect.getdoc(cls) or ""
            table.add_row(known, _columns(cls, "inputs"), _columns(cls, "outputs"), _first(doc))
        Console().print(table)
        return
    if name not in steps:
        close = get_close_matches(name, steps, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ConfigurationError(f"There is no step {name!r}.{hint} `stillhouse steps` lists them.")
    cls = steps[name]
    console = Console(highlight=False)
    console.print(f"[bold]{name}[/]\n\n{inspect.getdoc(cls)}\n")
    table = Table("parameter", "default", title="Parameters", title_justify="left")
    for parameter, field in cls.model_fields.items():
        if parameter != "pipeline":
            default = (
                "needed"
                if field.is_required()
                else repr(field.get_default(call_default_factory=True))
            )
            table.add_row(parameter, default)
    console.print(table)


def _columns(cls: type[Step], which: str) -> str:
    declared = inspect.getattr_static(cls, which)
    return "by its parameters" if isinstance(declared, property) else ", ".join(declared)


def _first(doc: str) -> str:
    return " ".join(doc.split("\n\n")[0].split())
