"""What a step does to rows: the steps, the graph that wires them, and what they share."""

from __future__ import annotations

from llms.chat import ChatMessage, ChatType
from llms.errors import RowRejected
from tasks.decorator import step
from tasks.graph import Graph
from tasks.outcome import Outcome, StepContext
from tasks.prompt import Prompt
from tasks.row import Rejection, Row
from tasks.step import FanInStep, GeneratorStep, GlobalStep, Step
from tasks.task import Ask, Generated, Task

__all__ = [
    "Ask",
    "ChatMessage",
    "ChatType",
    "FanInStep",
    "Generated",
    "GeneratorStep",
    "GlobalStep",
    "Graph",
    "Outcome",
    "Prompt",
    "Rejection",
    "Row",
    "RowRejected",
    "Step",
    "StepContext",
    "Task",
    "step",
]
