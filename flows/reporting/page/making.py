"""How a version was made: its models, prompts and signatures, and the pipeline itself."""

from __future__ import annotations

from dataclasses import dataclass

from flows.comparison.excerpts import shortened
from flows.versions.saved import PIPELINE, SavedVersion
from llms.errors import StillhouseError
from tasks.signature import signature_parts
from tasks.task import Task

_LARGEST_PIPELINE = 1_000_000
_SHOWN = 20_000
_PROMPT = 8_000
_STEPS = 60
_SENT = ("system_prompt", "template")


@dataclass(frozen=True, slots=True)
class Asking:
    """A step that asks a model: which one, with what parameters, and its prompts by name."""

    step: str
    model: str
    parameters: str
    prompts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Making:
    """How a version was made.

    `asking` is empty where the steps cannot be opened here, or the pipeline holds its own rows and
    is too large to be read for a page.
    """

    asking: tuple[Asking, ...]
    pipeline: str
    signatures: dict[str, str]


def making(version: SavedVersion) -> Making:
    """Return how a version was made, long texts cut."""
    file = version.folder / PIPELINE
    with file.open(encoding="utf-8") as text:
        begun = text.read(_SHOWN + 1)
    if len(begun) > _SHOWN:
        begun = f"{begun[:_SHOWN]}\n… ({file.stat().st_size:,} bytes in all)"
    steps = version.manifest.steps
    signatures = {name: step.signature for name, step in list(steps.items())[:_STEPS]}
    small = file.stat().st_size <= _LARGEST_PIPELINE
    return Making(tuple(_asking(version)[:_STEPS]) if small else (), begun, signatures)


def _asking(version: SavedVersion) -> list[Asking]:
    try:
        graph = version.graph
    except StillhouseError:
        return []
    found = []
    for name, step in graph.steps.items():
        if not isinstance(step, Task):
            continue
        given = step.llm.generation_kwargs.model_dump(exclude_none=True)
        found.append(
            Asking(
                name,
                f"{step.llm.provider}:{step.llm.model_name}",
                ", ".join(f"{key} = {value}" for key, value in given.items()),
                _prompts(step),
            )
        )
    return found


def _prompts(step: Task) -> dict[str, str]:
    """Return the templates of a step, and the texts among its parameters that it sends."""
    parts = signature_parts(step)
    own = {name: parts["parameters"].get(name) for name in _SENT}
    named = {**{name: text for name, text in own.items() if text}, **parts["prompts"]}
    texts = {name: text for name, text in named.items() if isinstance(text, str)}
    return {name.replace("_", " "): shortened(text, _PROMPT) for name, text in texts.items()}
