"""`EvolInstructGenerator`: instructions from nothing but words, evolved until they are long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from llms.chat import ChatType
from llms.errors import ConfigurationError, RowRejected
from llms.gateway import together
from tasks.ask import Ask, Exchange
from tasks.chats import chat
from tasks.evolution.instruction_mutations import InstructionMutations
from tasks.evolution.rewritten import rewritten_in
from tasks.evolution.templates import check_template, filled
from tasks.generated import Generated
from tasks.generator_task import GeneratorTask
from tasks.prompt import Prompt
from tasks.row import Row

_START = "FRESH_START"


class EvolInstructGenerator(InstructionMutations, GeneratorTask):
    """Invents instructions and evolves each until it is long enough (arXiv 2304.12244).

    Columns: `instruction` (str), `min_length` to `max_length` characters long, and with
    `generate_answers` also `answer` (str).

    It makes exactly `num_instructions` rows. Each starts on its own, from topics and a kind of
    request drawn for it, with the mutation FRESH_START, and is evolved by the others, as in
    `EvolInstruct`, until its length is right. `mutation_templates` must have a FRESH_START, which
    takes `{{ words }}` (or `<PROMPT>`) and, if it likes, `{{ kind }}`. More instructions leave the
    first ones as they are. Rows do not know of each other: fewer than one pair in a million starts
    alike, and `MinHashDedup` finds what turns out alike.

    A text that is too long is asked for again with the reason. A failed evolution leaves the
    instruction as it was; after an apology for an answer the row starts afresh. A row without an
    instruction of the right length after `max_rounds` rounds is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EvolInstructGenerator
        >>> llm = ScriptedLLM(replies=("Why do bees dance?",))
        >>> source = EvolInstructGenerator(llm=llm, num_instructions=1, min_length=10)
        >>> rows, is_last = next(source.process())
        >>> rows[0]["instruction"]
        'Why do bees dance?'
    """

    version: ClassVar = 1
    fresh_start: ClassVar = Prompt("fresh_start.jinja2")
    topics: ClassVar = Prompt("topics.txt")
    kinds: ClassVar = Prompt("kinds_of_request.txt")

    num_instructions: int = Field(ge=1)
    num_rows: int = Field(default=1, ge=1, exclude=True, repr=False)
    min_length: int = Field(default=512, ge=1)
    max_length: int = Field(default=1024, ge=1)
    max_rounds: int = Field(default=12, ge=1)

    @model_validator(mode="before")
    @classmethod
    def _count_rows(cls, data: Any) -> Any:
        if isinstance(data, dict) and "num_instructions" in data:
            return {**data, "num_rows": data["num_instructions"]}
        return data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_length > self.max_length:
            raise ConfigurationError(
                f"min_length is {self.min_length} and max_length {self.max_length}; no text is "
                f"both as long and as short as that."
            )
        if _START not in self.templates:
            raise ConfigurationError(
                f"mutation_templates has no {_START!r}; add the template that makes an instruction "
                f"of {{{{ words }}}}."
            )
        return self

    @property
    def outputs(self) -> dict[str, Any]:
        names = ["instruction", *(["answer"] if self.generate_answers else [])]
        return dict.fromkeys(names, pl.String)

    @property
    def own_templates(self) -> Mapping[str, str]:
        return {_START: self.fresh_start.text, **super().own_templates}

    def check_template(self, name: str, template: str) -> None:
        if name == _START:
            needed = "instruction" if "<PROMPT>" in template else "words"
            check_template(name, template, needed, {needed, "words", "kind"})
        else:
            super().check_template(name, template)

    def draw(self, random: Random) -> Row:
        """Draw what a fresh instruction starts from, and the mutation of one that is there."""
        topics = random.sample(self.topics.text.splitlines(), random.randint(2, 4))
        return {
            "mutation": random.choice(sorted(set(self.templates) - {_START}) or [_START]),
            "words": ", ".join(topics),
            "kind": random.choice(self.kinds.text.splitlines()),
        }

    def format_input(self, input: Row) -> ChatType:
        if input["mutation"] != _START:
            return super().format_input(input)
        values = {"words": input["words"], "kind": input["kind"], "instruction": input["words"]}
        return chat(filled(self.templates[_START], values))

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        chains = [self._evolved(number, ask) for number in range(self.num_generations)]
        return await together(chains)

    async def _evolved(self, number: int, ask: Ask) -> Generated:
        exchanges: tuple[Exchange, ...] = ()
        texts: list[str] = []
        for round in range(self.max_rounds):
            row = self.draw(ask.random("evolution", self.seed, number, round))
            if not texts or row["mutation"] == _START:
                row, texts = {**row, "mutation": _START}, []
            else:
                row["instruction"] = texts[-1]
            reading = await self.rewrite(row, partial(self._read, earlier=tuple(texts)), ask)
            exchanges += reading.exchanges
            if isinstance(reading.found, RowRejected):
                failure = reading.found
                continue
            texts.append(reading.found)
            if (length := len(texts[-1])) < self.min_length:
                failure = RowRejected(f"it has {length} characters, fewer than {self.min_length}")
                continue
            if not self.generate_answers:
                return Generated({"instruction": texts[-1]}, exchanges)
            answer = await self.answered(texts[-1], ask)
            exchanges += answer.exchanges
            if not isinstance(answer.found, RowRejected):
                return Generated({"instruction": texts[-1], "answer": answer.found}, exchanges)
            failure, texts = answer.found, []
        reason = f"no instruction came of {self.max_rounds} rounds, the last because {failure}"
        return Generated(RowRejected(reason), exchanges)

    def _read(self, reply: str, earlier: Sequence[str]) -> str:
        text = rewritten_in(reply, earlier)
        if len(text) > self.max_length:
            raise RowRejected(
                f"the instruction has {len(text)} characters; write it in {self.max_length} at most"
            )
        return text
