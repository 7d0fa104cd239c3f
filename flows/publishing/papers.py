"""The papers that steps follow, as their docstrings name them."""

from __future__ import annotations

import re

from tasks.graph import Graph

_PAPER = re.compile(r"arXiv[: ](\d{4}\.\d{4,5})", re.IGNORECASE)


def papers_of(graph: Graph) -> dict[str, list[str]]:
    """Return the arXiv ids of the papers behind a pipeline, each with the names of its steps."""
    found: dict[str, list[str]] = {}
    for name, step in graph.steps.items():
        for paper in papers_in(type(step).__doc__ or ""):
            found.setdefault(paper, []).append(name)
    return found


def papers_in(text: str) -> tuple[str, ...]:
    """Return the arXiv ids that a text names, each once."""
    return tuple(dict.fromkeys(_PAPER.findall(text)))
