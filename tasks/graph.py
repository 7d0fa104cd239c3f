"""`Graph`: steps wired into a pipeline, checked before the first call, written to YAML and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import Token
from pathlib import Path
from typing import Any, Self

import polars as pl
import yaml

from llms.digest import digest
from llms.errors import ConfigurationError
from llms.gateway import Purse
from tasks.declaration import required, typed
from tasks.fan_in import FanInStep
from tasks.frames import Schema
from tasks.pipeline_file import checked_entries, class_named, read_yaml, written
from tasks.step import GeneratorStep, Step, StepGraph, current_graph, snake_case
from tasks.task import Task


class Graph:
    """A directed graph of steps without cycles.

    Steps made inside `with Graph(...)`, or with `pipeline=`, belong to it; `a >> b` connects them.
    """

    def __init__(self, name: str | None = None, description: str | None = None) -> None:
        self._name = name
        self.description = description
        self.steps: dict[str, Step] = {}
        self.edges: list[tuple[str, str]] = []
        self._outer: list[Token[StepGraph | None]] = []

    @property
    def name(self) -> str:
        """The name it was given, else one made of the names of its steps."""
        return self._name or "_".join(["pipeline", *self.steps])

    def __enter__(self) -> Self:
        self._outer.append(current_graph.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        current_graph.reset(self._outer.pop())

    def name_for(self, cls: type[Step]) -> str:
        """Return a free name for a step of a class."""
        stem = snake_case(cls)
        number = 0
        while f"{stem}_{number}" in self.steps:
            number += 1
        return f"{stem}_{number}"

    def add(self, step: Step) -> None:
        """Take a step in.

        Raises:
            ConfigurationError: its name is taken.
        """
        if step.name in self.steps:
            raise ConfigurationError(
                f"Pipeline {self.name!r} already has a step {step.name!r}; give one another name=."
            )
        self.steps[step.name] = step

    def connect(self, source: Step, target: Step) -> None:
        """Feed the rows of one step to another.

        Raises:
            ConfigurationError: one of them belongs to another pipeline.
        """
        for step in (source, target):
            if self.steps.get(step.name) is not step:
                raise ConfigurationError(
                    f"Step {step.name!r} does not belong to pipeline {self.name!r}; steps can "
                    f"only be connected inside one pipeline."
                )
        if (source.name, target.name) not in self.edges:
            self.edges.append((source.name, target.name))

    def sources_of(self, name: str) -> list[str]:
        """Return the steps that feed a step, in the order they were connected."""
        return [source for source, target in self.edges if target == name]

    def followers_of(self, name: str) -> list[str]:
        """Return all steps that a step's rows reach, in order."""
        reached = {name}
        for follower in self.order():
            if reached.intersection(self.sources_of(follower)):
                reached.add(follower)
        return [follower for follower in self.order() if follower in reached - {name}]

    def leaves(self) -> list[str]:
        """Return the steps that feed no other: their rows are the dataset."""
        feeding = {source for source, _ in self.edges}
        return [name for name in self.steps if name not in feeding]

    def order(self) -> list[str]:
        """Return the names of the steps, each after the ones that feed it.

        Raises:
            ConfigurationError: the steps form a cycle.
        """
        ordered: list[str] = []
        waiting = list(self.steps)
        while waiting:
            ready = [n for n in waiting if all(s in ordered for s in self.sources_of(n))]
            if not ready:
                while behind := [
                    name
                    for name in waiting
                    if not any((name, after) in self.edges for after in waiting)
                ]:
                    waiting = [name for name in waiting if name not in behind]
                raise ConfigurationError(
                    f"The steps {', '.join(map(repr, waiting))} feed each other in a circle; "
                    f"remove one connection."
                )
            ordered.append(ready[0])
            waiting.remove(ready[0])
        return ordered

    def branches(self) -> dict[str, int]:
        """Return for each step with a model how many earlier ones send the same requests."""
        seen: dict[str, int] = {}
        found: dict[str, int] = {}
        for name, step in self.steps.items():
            if (work := step.requests_digest) is not None:
                found[name] = seen.get(work, 0)
                seen[work] = found[name] + 1
        return found

    def validate(self, known: Mapping[str, Schema] | None = None) -> dict[str, Schema | None]:
        """Check shape and columns; return each step's columns, None where they are not known yet.

        `known` gives the columns of sources that have been read.

        Raises:
            ConfigurationError: the first thing that is wrong.
        """
        if not self.steps:
            raise ConfigurationError(
                f"Pipeline {self.name!r} has no steps; make them inside `with Pipeline(...):`."
            )
        columns: dict[str, Schema | None] = {}
        for name in self.order():
            step, sources = self.steps[name], self.sources_of(name)
            self._check_place(step, sources)
            if isinstance(step, GeneratorStep):
                columns[name] = (known or {}).get(name) or step.columns_after({}) or None
            else:
                columns[name] = _columns_after(step, [columns[source] for source in sources])
        return columns

    def check_models(self, purse: Purse | None = None) -> None:
        """Raise `ConfigurationError` if a model could not be called: no key, package or file, or a
        price that a budget needs.
        """
        for step in self.steps.values():
            if isinstance(step, Task):
                step.llm.check()
                if purse is not None:
                    purse.check(step.llm)

    def to_dict(self) -> dict[str, Any]:
        """Return the graph as plain values, without secrets.

        Raises:
            ConfigurationError: a parameter cannot be written down.
        """
        described = {"description": self.description} if self.description else {}
        steps = [written(step, self.sources_of(name)) for name, step in self.steps.items()]
        return {"name": self.name, **described, "steps": steps}

    def to_yaml(self) -> str:
        """Write the graph as YAML."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=100)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Rebuild a graph from `to_dict`.

        Raises:
            ConfigurationError: something is missing or unknown.
        """
        entries = checked_entries(value)
        graph = cls(value["name"], value.get("description"))
        for entry in entries:
            kind = class_named(entry["step"])
            kind(name=entry["name"], pipeline=graph, **entry["parameters"])
        for entry in entries:
            for source in entry["after"]:
                if source not in graph.steps:
                    raise ConfigurationError(
                        f"Step {entry['name']!r} comes after {source!r}, which is not in the file."
                    )
                graph.connect(graph.steps[source], graph.steps[entry["name"]])
        return graph

    @classmethod
    def from_yaml(cls, path: Path | str) -> Self:
        """Read a graph from a YAML file.

        Raises:
            ConfigurationError: the file is missing, not YAML, or not a pipeline.
        """
        return cls.from_dict(read_yaml(Path(path)))

    def mermaid(self) -> str:
        """Draw the graph for Mermaid."""
        lines = ["graph LR"]
        node = {name: f"step{number}" for number, name in enumerate(self.steps)}
        for name, step in self.steps.items():
            lines.append(f'    {node[name]}["{name}<br/><i>{type(step).__name__}</i>"]')
        lines += [f"    {node[source]} --> {node[target]}" for source, target in self.edges]
        return "\n".join(lines)

    def _check_place(self, step: Step, sources: list[str]) -> None:
        if isinstance(step, GeneratorStep):
            if sources:
                raise ConfigurationError(
                    f"Step {step.name!r} is a source and cannot come after {sources[0]!r}."
                )
            return
        for kind, mapping, names in (
            ("input", step.input_mappings, typed(step.inputs)),
            ("output", step.output_mappings, typed(step.made) if typed(step.outputs) else {}),
        ):
            if names and (strange := sorted(set(mapping) - set(names))):
                raise ConfigurationError(
                    f"Step {step.name!r} maps the {kind} {strange[0]!r}, which it does not have; "
                    f"it has: {', '.join(names)}."
                )
        if not sources:
            raise ConfigurationError(
                f"Step {step.name!r} has nothing before it; connect a source to it, for example "
                f"LoadDataFromDicts(...) >> it."
            )
        if isinstance(step, FanInStep):
            if len(origins := {self._origin(source) for source in sources}) > 1:
                raise ConfigurationError(
                    f"Step {step.name!r} joins rows of different sources "
                    f"({', '.join(sorted(map(repr, origins)))}), which share no rows."
                )
        elif len(sources) > 1:
            raise ConfigurationError(
                f"Step {step.name!r} comes after {', '.join(map(repr, sources))} but takes the "
                f"rows of one step; put CombineOutputs or GroupColumns before it."
            )

    def _origin(self, name: str) -> str:
        while sources := self.sources_of(name):
            name = sources[0]
        return name


def _columns_after(step: Step, before: list[Schema | None]) -> Schema | None:
    known = [columns for columns in before if columns is not None]
    if len(known) < len(before):
        return None
    for columns in known:
        for name, kind in typed(step.inputs).items():
            column = step.input_mappings.get(name, name)
            if column not in columns:
                if name not in required(step.inputs):
                    continue
                raise ConfigurationError(
                    f"Step {step.name!r} needs the column {column!r}, which does not exist there; "
                    f"the columns are: {', '.join(columns) or 'none'}."
                )
            found = columns[column]
            if not _fits(found, kind):
                raise ConfigurationError(
                    f"Step {step.name!r} needs the column {column!r} as {kind}, but it is {found}."
                )
    merged: dict[str, Any] = {}
    for columns in known:
        merged.update(columns)
    return step.columns_after(merged)


def _fits(found: Any, wanted: Any) -> bool:
    """Tell whether a column's type may be read as another; an unknown type may be anything."""
    if found is None or wanted is None or found == pl.Null or found == wanted:
        return True
    if isinstance(found, pl.List) and isinstance(wanted, pl.List):
        return _fits(found.inner, wanted.inner)
    if isinstance(found, pl.Struct) and isinstance(wanted, pl.Struct):
        return True
    return bool(found.is_numeric() and wanted.is_numeric())


def pipeline_digest(graph: Graph) -> str:
    """Return the digest of what a whole pipeline does."""
    steps = {name: step.signature for name, step in graph.steps.items()}
    return digest([steps, graph.edges])
