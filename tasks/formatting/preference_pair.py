"""A preference pair: the best and the worst rated generation of a row."""

from __future__ import annotations

import math

import polars as pl

from llms.chat import ChatType
from llms.errors import RowRejected
from tasks.chats import prompt_id, required_text
from tasks.declaration import typed
from tasks.frames import Schema
from tasks.generated import CHAT
from tasks.row import Row

_MODELS = "generation_models"

PAIR_INPUTS = {
    "generations": pl.List(pl.String),
    "ratings": pl.List(pl.Float64),
    _MODELS: False,
}
"""The columns a pair is chosen from."""

PAIR_OUTPUTS = {
    "prompt": pl.String,
    "prompt_id": pl.String,
    "chosen": CHAT,
    "chosen_model": pl.String,
    "chosen_rating": True,
    "rejected": CHAT,
    "rejected_model": pl.String,
    "rejected_rating": True,
}
"""The columns of a pair; those of the models are there where `generation_models` is."""


def pair_types(before: Schema) -> Schema:
    """Return the columns of a pair with their types; `before` are the columns it is made from."""
    ratings = before.get("ratings")
    rating = ratings.inner if isinstance(ratings, pl.List) else None
    kinds = {**typed(PAIR_OUTPUTS), "chosen_rating": rating, "rejected_rating": rating}
    return {
        name: kind
        for name, kind in kinds.items()
        if _MODELS in before or not name.endswith("_model")
    }


def preference_pair(row: Row, prompt: str, turns: ChatType) -> Row:
    """Return the columns of the pair of a row, whose generations answer `turns`.

    Raises:
        RowRejected: there is no pair.
    """
    ratings = _ratings(row)
    texts = _parallel(row, "generations", len(ratings))
    best, worst = ratings.index(max(ratings)), ratings.index(min(ratings))
    if best == worst:
        raise RowRejected("all ratings are equal, so none is better than another")
    if texts[best] == texts[worst]:
        raise RowRejected("the best and the worst rated generation are the same text")
    pair: Row = {"prompt": prompt, "prompt_id": prompt_id(prompt)}
    for name, place in (("chosen", best), ("rejected", worst)):
        pair[name] = [*turns, {"role": "assistant", "content": texts[place]}]
        pair[f"{name}_rating"] = ratings[place]
        if _MODELS in row:
            pair[f"{name}_model"] = _parallel(row, _MODELS, len(ratings))[place]
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
