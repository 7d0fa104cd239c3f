"""`EvolInstruct`: instructions made harder, or other ones made from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl

from llms.errors import RowRejected
from llms.gateway import together
from tasks.ask import Ask, Exchange
from tasks.evolution.evolution import Evolution
from tasks.evolution.instruction_mutations import InstructionMutations
from tasks.generated import Generated


class EvolInstruct(InstructionMutations, Evolution):
    """Evolves an instruction `num_evolutions` times, in depth or in breadth (arXiv 2304.12244).

    Columns: `instruction` (str) -> `evolved_instruction` (str); with `store_evolutions`
    `evolved_instructions` (list of str, oldest first; with `include_original_instruction` the
    original one before them). With `generate_answers` also `answer` (str), to that instruction, or
    `answers` (list of str, one for each).

    Each round draws one of the mutations CONSTRAINTS, DEEPENING, CONCRETIZING,
    INCREASED_REASONING_STEPS and BREADTH, or of your own `mutation_templates`.

    The paper's elimination: an evolution fails that repeats an earlier instruction (compared as
    text, where the paper asks a model), is a refusal, holds no words or speaks of the rewriting; it
    is asked for again with the reason. If it fails for good, the instruction stays as it was for
    the next round, so a list may hold fewer than `num_evolutions`. With `generate_answers` an
    instruction is dropped too whose answer is a short apology or says nothing; the one before it
    takes its place. A row of which no evolution is left is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EvolInstruct
        >>> llm = ScriptedLLM(replies=("Name a river in Saxony.",))
        >>> evolve = EvolInstruct(llm=llm, num_evolutions=1)
        >>> next(evolve.process([{"instruction": "Name a river."}]))[0]["evolved_instruction"]
        'Name a river in Saxony.'
    """

    version: ClassVar = 1

    include_original_instruction: bool = False

    @property
    def outputs(self) -> dict[str, Any]:
        answers = self.column_of("answer", pl.String()) if self.generate_answers else {}
        return {**super().outputs, **answers}

    @property
    def includes_original(self) -> bool:
        return self.include_original_instruction

    async def finish(self, texts: Sequence[str], ask: Ask) -> Generated:
        if not self.generate_answers:
            return await super().finish(texts, ask)
        if self.store_evolutions:
            return await self._all_answered(texts, ask)
        return await self._last_answered(texts[1:], ask)

    async def _all_answered(self, texts: Sequence[str], ask: Ask) -> Generated:
        shown = self.shown(texts)
        readings = await together([self.answered(text, ask) for text in shown])
        exchanges = tuple(exchange for reading in readings for exchange in reading.exchanges)
        pairs = [
            (text, reading.found)
            for text, reading in zip(shown, readings, strict=True)
            if not isinstance(reading.found, RowRejected)
        ]
        if not any(text in texts[1:] for text, _ in pairs):
            return Generated(_failure(readings[-1].found), exchanges)
        made = {
            "evolved_instructions": [text for text, _ in pairs],
            "answers": [answer for _, answer in pairs],
        }
        return Generated(made, exchanges)

    async def _last_answered(self, texts: Sequence[str], ask: Ask) -> Generated:
        exchanges: tuple[Exchange, ...] = ()
        for text in reversed(texts):
            reading = await self.answered(text, ask)
            exchanges += reading.exchanges
            if not isinstance(reading.found, RowRejected):
                return Generated({"evolved_instruction": text, "answer": reading.found}, exchanges)
        return Generated(_failure(reading.found), exchanges)


def _failure(found: str | RowRejected) -> RowRejected:
    return RowRejected(f"no evolution is left: {found}")
