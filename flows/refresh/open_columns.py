"""Columns that wait for answers: a step that reads none of them may have its own stored already."""

from __future__ import annotations

from tasks.declaration import typed
from tasks.step import Step
from tasks.task import Task

Open = frozenset[str] | None
"""Columns that rows have not got yet; None where that may be any, or the rows themselves."""

NONE_OPEN: Open = frozenset()


def reads_any(step: Step, waiting: Open) -> bool:
    """Tell whether a step may read a column that waits; one that names no inputs may read all."""
    reads = {step.input_mappings.get(name, name) for name in typed(step.inputs)}
    return bool(waiting is None or (waiting and (not reads or reads & waiting)))


def open_after(step: Step, waiting: Open, *, asks: bool) -> Open:
    """Return the columns that wait behind a step, which itself waits for answers if it `asks`."""
    if not asks and not reads_any(step, waiting):
        return waiting
    makes = {step.output_mappings.get(name, name) for name in typed(step.made)}
    several = isinstance(step, Task) and step.num_generations > 1 and not step.group_generations
    if waiting is None or not makes or (asks and several):
        return None
    return waiting | makes
