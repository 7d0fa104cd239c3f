"""`stillhouse show`."""

from __future__ import annotations

from pathlib import Path

from tasks.declaration import required, typed
from tasks.graph import Graph
from tasks.task import Task


def show_pipeline(path: Path) -> None:
    """Print a pipeline file as text and for Mermaid.

    Raises:
        ConfigurationError: the file is no valid pipeline.
    """
    graph = Graph.from_yaml(path)
    graph.validate()
    print(graph.name + (f": {graph.description}" if graph.description else ""))
    for name in graph.order():
        step = graph.steps[name]
        sources = graph.sources_of(name)
        after = f" after {', '.join(sources)}" if sources else ""
        model = f", {step.llm.provider}:{step.llm.model_name}" if isinstance(step, Task) else ""
        print(f"\n{name} ({type(step).__name__}{model}){after}")
        if columns := required(step.inputs):
            print("    reads " + ", ".join(step.input_mappings.get(c, c) for c in columns))
        if columns := list(typed(step.made)):
            print("    makes " + ", ".join(step.output_mappings.get(c, c) for c in columns))
    print(f"\n{graph.mermaid()}")
