"""`PreferenceToArgilla`: several generations of an instruction for people to rate."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.digest import digest
from llms.errors import RowRejected
from tasks.chats import prompt_id, required_text, text_in
from tasks.export.argilla_dataset import Layout, Question, Record
from tasks.export.to_argilla import ToArgilla
from tasks.row import Row


class PreferenceToArgilla(ToArgilla):
    """Sends the generations of an instruction to Argilla, where people rate them from 1 to 5.

    Columns: `instruction` (str), `generations` (list of str, up to `num_generations`) and, if they
    are there, `ratings` (list of numbers) and `rationales` (list of str), one for each generation;
    none is made. A row is one record with the fields `id` (SHA-256 of the instruction),
    `instruction` and `generation-0`, `generation-1` and so on, and for each generation the
    questions `generation-0-rating` and `generation-0-rationale`. Ratings that are whole numbers
    from 1 to 5 and rationales are shown to annotators as suggestions; others are left out.

    The dataset is `dataset_name` in `dataset_workspace` (the server's first one if not given), made
    if it is not there; `api_url` and `api_key` default to `ARGILLA_API_URL` and `ARGILLA_API_KEY`.
    The same instruction with the same generations again updates its record, and the answers of
    annotators stay. Rejected are rows without an instruction, with a missing generation or more of
    them than `num_generations`, and with another number of ratings or rationales than of
    generations. A preview sends nothing.

    Example:
        >>> from tasks import PreferenceToArgilla
        >>> from tasks.export.delivery import nothing_delivered
        >>> step = PreferenceToArgilla(dataset_name="answers", num_generations=2)
        >>> rows = [{"instruction": "Say hi.", "generations": ["Hi!", "No."], "ratings": [5, 1]}]
        >>> with nothing_delivered():
        ...     next(step.process(rows))[0]["ratings"]
        [5, 1]
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "instruction": pl.String,
        "generations": pl.List(pl.String),
        "ratings": False,
        "rationales": False,
    }

    num_generations: int = Field(ge=1)

    @property
    def layout(self) -> Layout:
        names = [_name(index) for index in range(self.num_generations)]
        fields = {"id": True, "instruction": True, **{name: name == names[0] for name in names}}
        questions = []
        for name in names:
            first = name == names[0]
            asked = f"How good is {name} for the instruction?"
            why = f"Why does {name} deserve that rating?"
            questions += [
                Question(f"{name}-rating", asked, "rating", required=first),
                Question(f"{name}-rationale", why, "text", required=False),
            ]
        return Layout(fields, tuple(questions))

    def records(self, input: Row) -> list[Record]:
        instruction = text_in(input, "instruction")
        generations = self._generations(input["generations"])
        fields = {"id": prompt_id(instruction), "instruction": instruction}
        fields |= {_name(index): text for index, text in enumerate(generations)}
        suggestions: dict[str, str | int] = {}
        for index, rating in enumerate(_beside(input, "ratings", generations)):
            if rating in (1, 2, 3, 4, 5) and not isinstance(rating, bool):
                suggestions[f"{_name(index)}-rating"] = int(rating)
        for index, rationale in enumerate(_beside(input, "rationales", generations)):
            if isinstance(rationale, str) and rationale.strip():
                suggestions[f"{_name(index)}-rationale"] = rationale
        return [Record(digest([instruction, generations]), fields, suggestions)]

    def _generations(self, texts: Any) -> list[str]:
        if not isinstance(texts, list) or not texts:
            raise RowRejected("the column 'generations' holds no list with one text or more")
        if len(texts) > self.num_generations:
            raise RowRejected(
                f"there are {len(texts)} generations, and num_generations is {self.num_generations}"
            )
        return [required_text(text, f"generation {number}") for number, text in enumerate(texts, 1)]


def _name(index: int) -> str:
    return f"generation-{index}"


def _beside(row: Row, column: str, generations: list[str]) -> list[Any]:
    """Return the values that a column holds for the generations; none where it is null."""
    values = row.get(column)
    if values is None:
        return []
    if not isinstance(values, list) or len(values) != len(generations):
        count = len(values) if isinstance(values, list) else "no list of"
        raise RowRejected(f"there are {count} {column} for {len(generations)} generations")
    return values
