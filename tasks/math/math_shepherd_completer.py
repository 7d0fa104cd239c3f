"""`MathShepherdCompleter`: labels for the steps of solutions, by where they lead."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.errors import RowRejected
from llms.gateway import together
from tasks.ask import Ask, Reading
from tasks.chats import text_in
from tasks.generated import Generated
from tasks.math.answers import same_answer
from tasks.math.expressions import check_expressions, same_expressions
from tasks.math.math_shepherd import MathShepherd
from tasks.math.solutions import answer_in
from tasks.math.tags import TAGS, Tags, check_tags, tagged
from tasks.math.written_solution import WrittenSolution, golden_answer, solutions_in
from tasks.prompt import Prompt
from tasks.row import Row

Steps = tuple[str, ...]


class MathShepherdCompleter(MathShepherd):
    r"""Labels each step of solutions by whether the right answer can be reached from it
    (arXiv 2312.08935).

    Columns: `instruction` (str), `solutions` (list of lists of str), `golden_solution` (list of
    str, or text, with the right answer at its end) -> `solutions`, rewritten: each step ends in
    " +" or " -", and the last one, joined with "The answer is: X", by whether X is right.

    Hard estimation: the model completes the solution `N` times after each step but the last, and
    the step is good if any completion comes to the right answer. Each completion is a request of
    its own; steps that several solutions begin with alike are completed once. The paper has `N` 8.
    `tags` are the two labels, the good one first.

    Answers are compared as values (see `same_answer`): "1,000 dollars" is 1000.0. With `answers`
    "expressions" those that are no numbers are compared by Math-Verify, which knows
    that \frac{\sqrt{3}}{3} is \frac{1}{\sqrt{3}}; it comes with `pip install 'stillhouse[math]'`.

    A row without a right answer, or with an empty step, is a rejection. A completion without a
    final answer is asked for again. If after a step none of them has one, its solution is left out;
    a row of which no solution is left is a rejection. For problems like those of MATH see
    `MathShepherdGenerator`.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import MathShepherdCompleter
        >>> llm = ScriptedLLM(replies=("Step 2: 5 + 4 = 9\nThe answer is: 9",))
        >>> row = {"instruction": "What is 2 + 3 + 4?", "golden_solution": ["The answer is: 9"],
        ...        "solutions": [["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 8", "The answer is: 8"]]}
        >>> next(MathShepherdCompleter(llm=llm, N=2).process([row]))[0]["solutions"]
        [['Step 1: 2 + 3 = 5 +', 'Step 2: 5 + 4 = 8 The answer is: 8 -']]
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "instruction": pl.String,
        "solutions": pl.List(pl.List(pl.String)),
        "golden_solution": True,
    }
    outputs: ClassVar = {"solutions": pl.List(pl.List(pl.String()))}
    template: ClassVar = Prompt("math_shepherd_completer.jinja2")
    few_shots_gsm8k: ClassVar = Prompt("gsm8k_completions.jinja2")
    few_shots_math: ClassVar = Prompt("math_completions.jinja2")

    system_prompt: str | None = Field(default_factory=lambda: MathShepherdCompleter.template.text)
    few_shots: str | None = Field(
        default_factory=lambda: MathShepherdCompleter.few_shots_gsm8k.text
    )
    N: int = Field(default=1, ge=1)
    tags: Tags = TAGS
    answers: Literal["numbers", "expressions"] = "numbers"

    @model_validator(mode="after")
    def _check_tags(self) -> Self:
        check_tags(self.tags)
        return self

    def load(self) -> None:
        super().load()
        if self.answers == "expressions":
            check_expressions(type(self).__name__)

    def format_input(self, input: Row) -> ChatType:
        """Return the chat that asks for a completion after the `steps` that the row names."""
        return self.asking("\n\n".join([input["instruction"], "\n".join(input["steps"])]))

    def format_output(self, output: str | None, input: Row) -> Row:
        """Return the answer that a completion comes to."""
        return {"answer": answer_in(output)}

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        given = {**input, "instruction": text_in(input, "instruction")}
        golden = golden_answer(input.get("golden_solution"))
        solutions = solutions_in(input.get("solutions"))
        return await together(
            [self._labelled(given, solutions, golden, ask) for _ in range(self.num_generations)]
        )

    async def _labelled(
        self, input: Row, solutions: Sequence[WrittenSolution], golden: str, ask: Ask
    ) -> Generated:
        begun = list(dict.fromkeys(steps for one in solutions for steps in one.to_complete))
        readings = await together([self._completions(input, steps, ask) for steps in begun])
        exchanges = tuple(e for group in readings for reading in group for e in reading.exchanges)
        found = [[r.found for r in group if isinstance(r.found, str)] for group in readings]
        stated = {one.answer for one in solutions if one.answer is not None}
        right = await self._right(stated.union(*found), golden)
        reached = {
            steps: None if not answers else not right.isdisjoint(answers)
            for steps, answers in zip(begun, found, strict=True)
        }
        labelled = [self._tagged(one, reached, right) for one in solutions]
        kept = [steps for steps in labelled if steps is not None]
        if not kept:
            failure = next(r.found for g in readings for r in g if isinstance(r.found, RowRejected))
            reason = f"no solution can be labelled, because after a step of each {failure}"
            return Generated(RowRejected(reason), exchanges)
        return Generated({"solutions": kept}, exchanges)

    async def _completions(self, input: Row, steps: Steps, ask: Ask) -> list[Reading[str]]:
        chat = self.format_input({**input, "steps": steps})
        return await together(
            [ask.read(chat, answer_in, response_schema=self.schema_asked) for _ in range(self.N)]
        )

    async def _right(self, answers: Set[str], golden: str) -> Set[str]:
        """Return the answers that are the right one."""
        same = {answer for answer in answers if same_answer(answer, golden)}
        if self.answers == "numbers" or same == answers:
            return same
        return same | await asyncio.to_thread(same_expressions, answers - same, golden)

    def _tagged(
        self, solution: WrittenSolution, reached: Mapping[Steps, bool | None], right: Set[str]
    ) -> list[str] | None:
        """Return the steps with their tags; None if it is not known where one leads."""
        leads = [reached[steps] for steps in solution.to_complete]
        if solution.answer is not None:
            leads.append(solution.answer in right)
        if None in leads:
            return None
        pairs = zip(solution.steps, leads, strict=True)
        return [tagged(step, self.tags, bool(is_good)) for step, is_good in pairs]
