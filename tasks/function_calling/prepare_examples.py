"""`PrepareExamples`: queries and their answers as examples for a prompt."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import polars as pl
from pydantic import field_validator

from llms.errors import ConfigurationError, RowRejected
from tasks.chats import required_text
from tasks.prompt import render, variables
from tasks.row import Row
from tasks.row_step import RowStep


class PrepareExamples(RowStep):
    r"""Writes queries and the calls that answer them down as examples (arXiv 2406.18518).

    Columns: `query` (list of str), `answers` (list of str, or of anything that JSON can hold) ->
    `examples` (str), the pairs in order with an empty line between them. All other columns stay.

    `template` (Jinja2) writes one pair; it must use `{{ query }}` and `{{ answers }}`. A row is
    rejected if it has no pair, an item is missing, or the lists are not equally long.

    Example:
        >>> from tasks import PrepareExamples
        >>> row = {"query": ["Add 2 and 3."], "answers": ['[{"name": "add"}]']}
        >>> print(next(PrepareExamples().process([row]))[0]["examples"])
        ## Query:
        Add 2 and 3.
        ## Answers:
        [{"name": "add"}]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"query": pl.List(pl.String), "answers": True}
    outputs: ClassVar = {"examples": pl.String}

    template: str = "## Query:\n{{ query }}\n## Answers:\n{{ answers }}"

    @field_validator("template")
    @classmethod
    def _use_both_parts(cls, value: str) -> str:
        if variables(value) != {"query", "answers"}:
            raise ConfigurationError(
                "The template of PrepareExamples must use {{ query }} and {{ answers }}, and no "
                "other name."
            )
        return value

    def make(self, input: Row) -> Row:
        queries, answers = _items(input, "query"), _items(input, "answers")
        if len(queries) != len(answers):
            raise RowRejected(
                f"the lists are not equally long: 'query' has {len(queries)} items, 'answers' "
                f"has {len(answers)}"
            )
        pairs = [
            {"query": _text(query, f"query {number}"), "answers": _text(answer, f"answer {number}")}
            for number, (query, answer) in enumerate(zip(queries, answers, strict=True), 1)
        ]
        return {"examples": "\n\n".join(render(self.template, pair) for pair in pairs)}


def _items(row: Row, column: str) -> list[Any]:
    items = row.get(column)
    if not isinstance(items, list) or not items:
        raise RowRejected(f"the column {column!r} holds no list with one item or more")
    return items


def _text(item: Any, what: str) -> str:
    if item is not None and not isinstance(item, str):
        item = json.dumps(item, ensure_ascii=False)
    return required_text(item, what)
