"""The catalogue as data: what each step that ships with the project says of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import tasks
from flows.publishing.papers import papers_in
from tasks.fan_in import FanInStep
from tasks.generator_task import GeneratorTask
from tasks.row_step import RowStep
from tasks.step import GeneratorStep, GlobalStep, Step
from tasks.task import Task

_BASES = (Step, GeneratorStep, GlobalStep, FanInStep, RowStep, Task, GeneratorTask)
_COLUMNS = re.compile(r"^Columns: (.+?)(?:\.\s|\n\n|\Z)", re.MULTILINE | re.DOTALL)
_ASIDES = re.compile(r"\([^()]*\)")
_NAMED = re.compile(r"`([\w-]+)`")
_EXAMPLE = re.compile(r"^Examples?:\n(?P<code>(?:[ \t]+.*\n?|\n)+)", re.MULTILINE)

Kind = Literal["source", "step", "task", "source with a model", "whole dataset", "join"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A step of the catalogue.

    `parameters` maps those of its own to their defaults as written in Python, `needed` for none;
    `papers` are arXiv ids.
    """

    name: str
    family: str
    kind: Kind
    text: str
    example: str
    reads: str
    makes: str
    parameters: Mapping[str, str]
    papers: tuple[str, ...]

    @property
    def summary(self) -> str:
        """What it does, in a sentence."""
        return " ".join(self.text.split("\n\n")[0].split())


def catalogue() -> dict[str, Entry]:
    """Return the steps that ship with the project, by name."""
    found = {name: getattr(tasks, name) for name in tasks.__all__}
    return {
        name: _entry(name, cls)
        for name, cls in sorted(found.items())
        if isinstance(cls, type) and issubclass(cls, Step) and cls not in _BASES
    }


def families(entries: Mapping[str, Entry]) -> dict[str, list[Entry]]:
    """Return the entries by the folder they are in, with the folder's one sentence as the name."""
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries.values(), key=lambda entry: (entry.family, entry.name)):
        found.setdefault(entry.family, []).append(entry)
    return found


def catalogue_page() -> str:
    """Return the catalogue as a Markdown page."""
    lines = [
        "# The catalogue",
        "",
        "Every step, by family. Columns, parameters and examples are those of the docstrings; this "
        "page is written by `make docs`.",
    ]
    for family, entries in families(catalogue()).items():
        lines += ["", f"## {family.replace('_', ' ').capitalize()}", ""]
        lines += ["| step | kind | reads | makes | paper |", "|---|---|---|---|---|"]
        lines += [_table_line(entry) for entry in entries]
        for entry in entries:
            lines += ["", *_section(entry)]
    return "\n".join(lines) + "\n"


def _entry(name: str, cls: type[Step]) -> Entry:
    doc = inspect.getdoc(cls) or ""
    example = _EXAMPLE.search(doc)
    text = doc[: example.start()] if example else doc
    reads, makes = _columns(cls, doc)
    return Entry(
        name=name,
        family=cls.__module__.split(".")[1],
        kind=_kind(cls),
        text=text.strip(),
        example=inspect.cleandoc(example["code"]) if example else "",
        reads=reads,
        makes=makes,
        parameters=dict(_parameters(cls)),
        papers=papers_in(doc),
    )


def _kind(cls: type[Step]) -> Kind:
    if issubclass(cls, GeneratorStep):
        return "source with a model" if issubclass(cls, Task) else "source"
    if issubclass(cls, GlobalStep):
        return "whole dataset"
    if issubclass(cls, FanInStep):
        return "join"
    return "task" if issubclass(cls, Task) else "step"


def _columns(cls: type[Step], doc: str) -> tuple[str, str]:
    """Return the columns read and made; where parameters decide, as the docstring has them."""
    told = _COLUMNS.search(doc)
    sides = _ASIDES.sub("", told[1]).split("->", 1) if told else []
    columns = []
    for number, which in enumerate(("inputs", "outputs")):
        declared = inspect.getattr_static(cls, which)
        if not isinstance(declared, property):
            columns.append(", ".join(declared))
        elif len(sides) == 2 and (named := _NAMED.findall(sides[number])):
            columns.append(", ".join(dict.fromkeys(named)))
        else:
            columns.append("by its parameters")
    return columns[0], columns[1]


def _parameters(cls: type[Step]) -> Iterator[tuple[str, str]]:
    inherited: dict[str, Any] = {}
    for base in _BASES:
        if issubclass(cls, base):
            inherited.update(base.model_fields)
    for name, field in cls.model_fields.items():
        default = "needed" if field.is_required() else _default(field)
        known = inherited.get(name)
        if known is None or (not known.is_required() and _default(known) != default):
            yield name, default


def _default(field: Any) -> str:
    text = repr(field.get_default(call_default_factory=True))
    return text if len(text) <= 60 else f"{text[:57]}..."


def _table_line(entry: Entry) -> str:
    papers = ", ".join(f"[{paper}](https://arxiv.org/abs/{paper})" for paper in entry.papers)
    cells = (f"[{entry.name}](#{entry.name.lower()})", entry.kind, entry.reads, entry.makes, papers)
    return f"| {' | '.join(cells)} |"


def _section(entry: Entry) -> Iterator[str]:
    yield f"### {entry.name}"
    yield ""
    yield entry.text
    if entry.parameters:
        shown = (f"`{name}` ({default})" for name, default in entry.parameters.items())
        yield ""
        yield f"Parameters: {', '.join(shown)}."
    if entry.example:
        yield from ("", "```python", entry.example, "```")
