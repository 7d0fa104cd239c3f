"""`Scorer`: what the judges that give several texts a score each have in common."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.chats import texts_in
from tasks.reading.json_object import Schema, list_of, object_in, object_of, one_of
from tasks.reading.numbered import scores_in
from tasks.reading.plain import plain
from tasks.row import Row
from tasks.task import Task

_LOW, _HIGH = 1, 6
_ANY_SCORE: Schema = {"type": "number", "minimum": _LOW, "maximum": _HIGH}
# Not every provider that enforces schemas minds the bounds of a number; all mind an enumeration.
_WHOLE_SCORE = one_of(*range(_LOW, _HIGH + 1))


class Scorer(Task):
    """Gives each text of a list a score from 1 to 6, for a column that `scored` names."""

    version: ClassVar = 1
    outputs: ClassVar = {"scores": pl.List(pl.Float64)}
    scored: ClassVar[str]

    use_default_structured_output: bool | None = None

    def format_output(self, output: str | None, input: Row) -> Row:
        text, count = plain(output), len(texts_in(input, self.scored))
        found = object_in(text, _scores(_ANY_SCORE, count))
        scores = found["scores"] if found else scores_in(text, count, _LOW, _HIGH)
        return {"scores": [float(score) for score in scores]}

    def response_schema(self, input: Row) -> Schema:
        return _scores(_WHOLE_SCORE, len(texts_in(input, self.scored)))


def _scores(score: Schema, count: int) -> Schema:
    return object_of(scores=list_of(score, count))
