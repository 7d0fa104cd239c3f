"""What is given when a pipeline runs: other values for parameters, and rows to start from."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from llms.config import Config
from llms.errors import ConfigurationError
from tasks.graph import Graph
from tasks.sources.make_generator_step import make_generator_step
from tasks.step import GeneratorStep

G = TypeVar("G", bound=Graph)

Parameters = Mapping[str, Mapping[str, Any]]
"""Step name to its parameters; those of a model are nested, as are its `generation_kwargs`."""


def with_parameters(graph: G, parameters: Parameters) -> G:
    """Return the same steps with other parameters.

    Raises:
        ConfigurationError: a step or a parameter does not exist, or a value does not fit.
    """
    for name in parameters:
        if name not in graph.steps:
            close = get_close_matches(name, graph.steps, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ConfigurationError(
                f"parameters= names a step {name!r}, which pipeline {graph.name!r} does not have."
                f"{hint} It has: {', '.join(graph.steps)}."
            )
    made = type(graph)(graph.name, graph.description)
    for name, step in graph.steps.items():
        step.model_copy(update={**_nested(step, parameters.get(name, {})), "pipeline": made})
    for source, target in graph.edges:
        made.connect(made.steps[source], made.steps[target])
    return made


def with_dataset(graph: G, dataset: Any) -> G:
    """Return the same steps with a source of these rows before the first ones.

    Raises:
        ConfigurationError: the pipeline has a source already, or no source can be made of it.
    """
    for name, step in graph.steps.items():
        if isinstance(step, GeneratorStep):
            raise ConfigurationError(
                f"dataset= gives rows to a pipeline without a source, but {graph.name!r} has one, "
                f"{name!r}; leave out one of them."
            )
    made = with_parameters(graph, {})
    source = make_generator_step(dataset, pipeline=made)
    for name, step in made.steps.items():
        if step is not source and not made.sources_of(name):
            made.connect(source, step)
    return made


def _nested(config: Config, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters to copy with, where a mapping for a model changes only what it names."""
    changed: dict[str, Any] = {}
    for name, value in parameters.items():
        inner = getattr(config, name, None)
        if isinstance(inner, Config) and isinstance(value, Mapping):
            value = inner.model_copy(update=_nested(inner, value))
        changed[name] = value
    return changed
