"""What changed in the steps of a pipeline since its last version: why rows are made again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llms.digest import canonical_json, digest
from tasks.graph import Graph
from tasks.signature import signature_parts

_SHORT = 60

Parts = dict[str, str]
"""What a step is made of: part to its value where that is short, else to its digest."""


def changed_steps(graph: Graph, before: Mapping[str, Parts]) -> list[str]:
    """Return a sentence for each step that does something else than it did before."""
    now = parts_of(graph)
    sentences = []
    for name, parts in now.items():
        if name not in before:
            sentences.append(f"Step {name!r} is new.")
        elif changed := list(changed_parts(before[name], parts)):
            after = graph.followers_of(name)
            reached = (
                f", and those after it ({', '.join(after)}) where they differ" if after else ""
            )
            sentences.append(
                f"Step {name!r} makes its rows again{reached}, because {' and '.join(changed)}."
            )
    sentences += [f"Step {name!r} is no longer there." for name in before if name not in now]
    return sentences


def parts_of(graph: Graph) -> dict[str, Parts]:
    """Return what each step is made of, to tell later what changed in it."""
    return {name: _flat(signature_parts(step)) for name, step in graph.steps.items()}


def _flat(parts: Mapping[str, Any]) -> Parts:
    flat = {
        "its class": _written(parts["class"]),
        "its code": digest([parts["code"], parts["private"]]),
    }
    for name, text in parts["prompts"].items():
        flat[f"its prompt {name!r}"] = digest(text)
    for name, value in parts["parameters"].items():
        nested = value if isinstance(value, Mapping) and "provider" in value else None
        for inner, item in (nested or {"": value}).items():
            flat[f"its parameter {f'{name}.{inner}' if inner else name!s}"] = _written(item)
    return flat


def _written(value: Any) -> str:
    text = canonical_json(value)
    return text if len(text) <= _SHORT else digest(value)


def changed_parts(before: Parts, now: Parts) -> Iterator[str]:
    """Yield what of a step changed, as half sentences."""
    for part in dict.fromkeys([*now, *before]):
        old, new = before.get(part), now.get(part)
        if old == new:
            continue
        if old is None or new is None:
            yield f"{part} was {'added' if old is None else 'removed'}"
        elif part.startswith("its parameter") and max(len(old), len(new)) < _SHORT // 2:
            yield f"{part} changed from {old} to {new}"
        else:
            yield f"{part} changed"
