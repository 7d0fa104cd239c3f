"""`FormatTextGenerationDPO`: a preference pair from rated generations."""

from __future__ import annotations

import math
from typing import ClassVar

import polars as pl

from llms.errors import RowRejected
from tasks.chats import chat, prompt_id, required_text, system_prompt_in, text_in
from tasks.declaration import typed
from tasks.frames import Schema
from tasks.generated import CHAT
from tasks.row import Row
from tasks.row_step import RowStep

_MODELS = "generation_models"


class FormatTextGenerationDPO(RowStep):
    """Makes the best and the worst rated generation a pair for preference training.

    Columns: `instruction` (str), `generations` (list of str), `ratings` (list of numbers), where
    they exist `system_prompt` (str) and `generation_models` (list of str) -> `prompt` (str),
    `prompt_id` (str, SHA-256 of the prompt), `chosen`, `rejected` (chats), `chosen_rating`,
    `rejected_rating` (as in `ratings`) and, with `generation_models`, `chosen_model`,
    `rejected_model` (str).

    Of equal ratings the first one counts. A row is rejected if all ratings are equal, one is
    missing, the lists are not equally long, or the pair would be the same text twice.
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "system_prompt": False,
        "instruction": pl.String,
        "generations": pl.List(pl.String),
        "ratings": pl.List(pl.Float64),
        _MODELS: False,
    }
    outputs: ClassVar = {
        "prompt": pl.String,
        "prompt_id": pl.String,
        "chosen": CHAT,
        "chosen_model": pl.String,
        "chosen_rating": True,
        "rejected": CHAT,
        "rejected_model": pl.String,
        "rejected_rating": True,
    }

    def types(self, before: Schema) -> Schema:
        ratings = before.get("ratings")
        rating = ratings.inner if isinstance(ratings, pl.List) else None
        made = {**typed(self.outputs), "chosen_rating": rating, "rejected_rating": rating}
        return {
            name: kind
            for name, kind in made.items()
            if _MODELS in before or not name.endswith("_model")
        }

    def make(self, input: Row) -> Row:
        prompt, system = text_in(input, "instruction"), system_prompt_in(input)
        ratings = _ratings(input)
        texts = _parallel(input, "generations", len(ratings))
        best, worst = ratings.index(max(ratings)), ratings.index(min(ratings))
        if best == worst:
            raise RowRejected("all ratings are equal, so none is better than another")
        if texts[best] == texts[worst]:
            raise RowRejected("the best and the worst rated generation are the same text")
        pair: Row = {"prompt": prompt, "prompt_id": prompt_id(prompt)}
        for name, place in (("chosen", best), ("rejected", worst)):
            pair[name] = chat(prompt, system=system, assistant=texts[place])
            pair[f"{name}_rating"] = ratings[place]
            if _MODELS in input:
                pair[f"{name}_model"] = _parallel(input, _MODELS, len(ratings))[place]
        return pair


def _ratings(row: Row) -> list[float]:
    ratings = row["ratings"]
    if not isinstance(ratings, list) or not ratings:
        raise RowRejected("the column 'ratings' holds no list with one rating or more")
    for number, rating in enumerate(ratings, 1):
        if not isinstance(rating, int | float) or math.isnan(rating):
            raise RowRejected(f"rating {number} is {rating!r}, not a number")
    return ratings


def _parallel(row: Row, column: str, length: int) -> list[str]:
    """Return the texts of a column that has one for each rating."""
    texts = row[column]
    if not isinstance(texts, list):
        raise RowRejected(f"the column {column!r} holds no list")
    if len(texts) != length:
        raise RowRejected(f"{column!r} has {len(texts)} items for {length} ratings")
    return [
        required_text(text, f"item {number} of {column!r}") for number, text in enumerate(texts, 1)
    ]
