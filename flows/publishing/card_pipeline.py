"""What a dataset card says of the pipeline: graph, steps, models, prompts and papers."""

from __future__ import annotations

import re
from typing import Any

from flows.publishing.papers import papers_of
from flows.reporting.accounts import cell
from tasks.graph import Graph
from tasks.signature import signature_parts
from tasks.step import Step
from tasks.task import Task

_IN_PARAMETERS = ("system_prompt", "template")


def graph_of(graph: Graph) -> str:
    """Return the graph as a drawing."""
    return f"```mermaid\n{graph.mermaid()}\n```"


def steps_table(graph: Graph) -> str:
    """Return a table of the steps: class, what it reads from, what it does."""
    lines = ["| step | class | after | what it does |", "|---|---|---|---|"]
    for name, step in graph.steps.items():
        after = ", ".join(graph.sources_of(name))
        does = cell(_first_sentence(type(step)))
        lines.append(f"| {name} | {type(step).__name__} | {after} | {does} |")
    return "\n".join(lines)


def models_table(graph: Graph) -> str:
    """Return a table of the models with their parameters, empty if no step asks one."""
    lines = ["| step | model | generation parameters |", "|---|---|---|"]
    for name, step in graph.steps.items():
        if isinstance(step, Task):
            parameters = step.llm.generation_kwargs.model_dump(exclude_none=True)
            listed = ", ".join(f"{key}={value}" for key, value in parameters.items())
            model = f"{step.llm.provider}:{step.llm.model_name}"
            lines.append(f"| {name} | {cell(model)} | {cell(listed)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def prompts(graph: Graph) -> str:
    """Return the prompts of each step, folded."""
    folded = []
    for name, step in graph.steps.items():
        for prompt, text in _prompts_of(step).items():
            fence = _fence(text)
            folded.append(
                f"<details><summary>Prompt <code>{prompt}</code> of step {name}</summary>\n\n"
                f"{fence}jinja\n{text.rstrip()}\n{fence}\n\n</details>"
            )
    return "\n\n".join(folded)


def papers(graph: Graph) -> str:
    """Return the papers behind the steps with a citation key for each, empty if there are none."""
    found = papers_of(graph)
    if not found:
        return ""
    lines = [
        f"- [arXiv {paper}](https://arxiv.org/abs/{paper}): {', '.join(steps)}"
        for paper, steps in found.items()
    ]
    cited = [
        f"@article{{arxiv:{paper},\n"
        f"  eprint = {{{paper}}},\n"
        f"  archivePrefix = {{arXiv}},\n"
        f"  url = {{https://arxiv.org/abs/{paper}}}\n"
        f"}}"
        for paper in found
    ]
    return "\n".join(lines) + "\n\n```bibtex\n" + "\n".join(cited) + "\n```"


def _prompts_of(step: Step) -> dict[str, str]:
    """Return the texts that a step with a model makes its requests of."""
    if not isinstance(step, Task):
        return {}
    of_function: Any = getattr(type(step), "prompts", None)
    found = {
        **{name: getattr(step, name, None) for name in _IN_PARAMETERS},
        **signature_parts(step)["prompts"],
        **(of_function if isinstance(of_function, dict) else {}),
    }
    return {name: text for name, text in found.items() if isinstance(text, str) and text.strip()}


def _first_sentence(cls: type) -> str:
    paragraph = (cls.__doc__ or "").strip().split("\n\n")[0]
    return "" if paragraph.startswith("---") else paragraph


def _fence(text: str) -> str:
    """Return a fence that a text does not close."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)
