"""`Evolution`: rounds of rewriting, each row on its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import RowRejected
from llms.gateway import together
from tasks.ask import Ask, Exchange
from tasks.chats import text_in
from tasks.evolution.mutation_task import MutationTask
from tasks.evolution.rewritten import rewritten_in
from tasks.generated import Generated
from tasks.row import Row


class Evolution(MutationTask):
    """Rewrites a text `num_evolutions` times, each time the text of the round before.

    A row never waits for another one. As in the paper, a round fails whose text repeats an earlier
    one, is a refusal, speaks of the rewriting or holds no words; one that was cut at the token
    limit does too. The text then stays as it was for the next round, which draws another mutation.
    A row in which every round failed is a rejection.
    """

    version: ClassVar = 1

    num_evolutions: int = Field(ge=1)
    store_evolutions: bool = False

    @property
    def inputs(self) -> dict[str, Any]:
        return dict.fromkeys(self.reads, pl.String)

    @property
    def outputs(self) -> dict[str, Any]:
        return self.column_of("evolved_" + self.mutated, pl.String())

    @property
    def includes_original(self) -> bool:
        """Whether the list that `store_evolutions` makes starts with the text as it was given."""
        return False

    def column_of(self, name: str, kind: pl.DataType) -> dict[str, pl.DataType]:
        """Return a column made: one value, or with `store_evolutions` a list under a plural."""
        return {f"{name}s": pl.List(kind)} if self.store_evolutions else {name: kind}

    def shown(self, texts: Sequence[str]) -> list[str]:
        """Return what becomes output of the texts of a chain, the original one first."""
        if not self.store_evolutions:
            return [texts[-1]]
        return list(texts if self.includes_original else texts[1:])

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        given = {**input, **{name: text_in(input, name) for name in self.reads}}
        chains = [self._chain(given, number, ask) for number in range(self.num_generations)]
        return await together(chains)

    async def finish(self, texts: Sequence[str], ask: Ask) -> Generated:
        """Return the outputs for the texts of a chain, the original one first, and what they took.

        At least one round was good.
        """
        shown = self.shown(texts)
        (name,) = self.column_of("evolved_" + self.mutated, pl.String())
        return Generated({name: shown if self.store_evolutions else shown[-1]}, ())

    async def _chain(self, input: Row, number: int, ask: Ask) -> Generated:
        exchanges: tuple[Exchange, ...] = ()
        texts: list[str] = [input[self.mutated]]
        for round in range(self.num_evolutions):
            drawn = self.draw(ask.random("evolution", self.seed, number, round))
            row = {**input, self.mutated: texts[-1], **drawn}
            reading = await self.rewrite(row, partial(rewritten_in, earlier=tuple(texts)), ask)
            exchanges += reading.exchanges
            if isinstance(reading.found, RowRejected):
                failure = reading.found
            else:
                texts.append(reading.found)
        if len(texts) == 1:
            rounds = f"none of {self.num_evolutions} evolutions succeeded, the last because "
            reason = rounds + str(failure) if self.num_evolutions > 1 else str(failure)
            return Generated(RowRejected(reason), exchanges)
        finished = await self.finish(texts, ask)
        return Generated(finished.outputs, exchanges + finished.exchanges)
