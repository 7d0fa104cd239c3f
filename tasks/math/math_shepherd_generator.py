"""`MathShepherdGenerator`: solutions of a mathematical problem, step by step."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.chat import ChatType
from llms.errors import RowRejected
from llms.gateway import together
from tasks.ask import Ask
from tasks.chats import text_in
from tasks.generated import Generated
from tasks.math.math_shepherd import MathShepherd
from tasks.math.solutions import solution_in
from tasks.prompt import Prompt
from tasks.row import Row


class MathShepherdGenerator(MathShepherd):
    r"""Solves a mathematical problem step by step, once or `M` times (arXiv 2312.08935).

    Columns: `instruction` (str) -> `golden_solution` (list of str), or with `M` `solutions` (list
    of lists of str): the steps, "Step 1: ..." and so on, and at last "The answer is: X".

    The `M` solutions are samples of their own, as in the paper: each is a request. One that cannot
    be read is left out; a row without any is a rejection.

    The rules and examples are for problems like those of GSM8K; for problems like those of MATH set
    `extra_rules=MathShepherdGenerator.rules_math.text` and
    `few_shots=MathShepherdGenerator.few_shots_math.text`. `system_prompt` is Jinja2 and may use
    `extra_rules` and `few_shots`; None sends none.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import MathShepherdGenerator
        >>> reply = "**Step 1** 2 + 3 = 5\n**Step 2** 5 + 4 = 9\n\nThe answer is **9**."
        >>> solve = MathShepherdGenerator(llm=ScriptedLLM(replies=(reply,)))
        >>> next(solve.process([{"instruction": "What is 2 + 3 + 4?"}]))[0]["golden_solution"]
        ['Step 1: 2 + 3 = 5', 'Step 2: 5 + 4 = 9', 'The answer is: 9']
    """

    version: ClassVar = 1
    inputs: ClassVar = {"instruction": pl.String}
    template: ClassVar = Prompt("math_shepherd_generator.jinja2")
    few_shots_gsm8k: ClassVar = Prompt("gsm8k_solutions.jinja2")
    few_shots_math: ClassVar = Prompt("math_solutions.jinja2")

    system_prompt: str | None = Field(default_factory=lambda: MathShepherdGenerator.template.text)
    few_shots: str | None = Field(
        default_factory=lambda: MathShepherdGenerator.few_shots_gsm8k.text
    )
    M: int | None = Field(default=None, ge=1)

    @property
    def outputs(self) -> dict[str, Any]:
        steps = pl.List(pl.String())
        return {"solutions": pl.List(steps)} if self.M else {"golden_solution": steps}

    def format_input(self, input: Row) -> ChatType:
        return self.asking(text_in(input, "instruction"))

    def format_output(self, output: str | None, input: Row) -> Row:
        solution = solution_in(output)
        return {"solutions": [solution]} if self.M else {"golden_solution": solution}

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        chat = self.format_input(input)
        return await together([self._solved(chat, ask) for _ in range(self.num_generations)])

    async def _solved(self, chat: ChatType, ask: Ask) -> Generated:
        schema = self.schema_asked
        readings = await together(
            [ask.read(chat, solution_in, response_schema=schema) for _ in range(self.M or 1)]
        )
        exchanges = tuple(exchange for reading in readings for exchange in reading.exchanges)
        failures = [r.found for r in readings if isinstance(r.found, RowRejected)]
        if len(failures) == len(readings):
            return Generated(failures[-1], exchanges)
        solutions = [r.found for r in readings if not isinstance(r.found, RowRejected)]
        made = {"solutions": solutions} if self.M else {"golden_solution": solutions[0]}
        return Generated(made, exchanges)
