"""`InstructionMutations`: the mutations of instructions, and answers to what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from llms.errors import RowRejected
from tasks.ask import Ask, Reading
from tasks.chats import chat, required_text
from tasks.evolution.mutation_task import MutationTask, with_method
from tasks.evolution.rewritten import refuse_poor_answer
from tasks.prompt import Prompt


class InstructionMutations(MutationTask):
    """Mutations that make an instruction harder and, in breadth, one that invents another."""

    version: ClassVar = 1
    mutated: ClassVar = "instruction"
    reads: ClassVar = ("instruction",)
    in_breadth: ClassVar = True
    rewriting: ClassVar = Prompt("rewrite_instruction.jinja2")
    constraints: ClassVar = Prompt("constraints.jinja2")
    deepening: ClassVar = Prompt("deepening.jinja2")
    concretizing: ClassVar = Prompt("concretizing.jinja2")
    increased_reasoning_steps: ClassVar = Prompt("increased_reasoning_steps.jinja2")
    breadth: ClassVar = Prompt("breadth.jinja2")

    generate_answers: bool = False

    @property
    def own_templates(self) -> Mapping[str, str]:
        methods = {
            "CONSTRAINTS": self.constraints.text,
            "DEEPENING": self.deepening.text,
            "CONCRETIZING": self.concretizing.text,
            "INCREASED_REASONING_STEPS": self.increased_reasoning_steps.text,
        }
        templates = with_method(self.rewriting.text, methods)
        return {**templates, "BREADTH": self.breadth.text} if self.in_breadth else templates

    async def answered(self, instruction: str, ask: Ask) -> Reading[str]:
        """Return the model's answer to an instruction, or why it speaks against the instruction."""
        reading = await ask.read(chat(instruction), lambda reply: required_text(reply, "the reply"))
        if isinstance(reading.found, RowRejected):
            return reading
        try:
            refuse_poor_answer(reading.found, instruction)
        except RowRejected as error:
            return Reading(error, reading.exchanges)
        return reading
