"""`EmbeddingTaskGenerator`: tasks for which texts are to be written."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import polars as pl

from llms.errors import RowRejected
from tasks.ask import Ask
from tasks.generated import Generated
from tasks.generator_task import GeneratorTask
from tasks.prompt import Prompt
from tasks.reading.json_object import TEXT, Schema, list_of, object_in, object_of
from tasks.reading.labels import folded
from tasks.reading.numbered import items_in
from tasks.reading.plain import plain
from tasks.retrieval.embedding_data import EmbeddingData
from tasks.retrieval.subjects import SUBJECTS
from tasks.row import Row

_LIST = re.compile(r"\[\s*[\"'\u201c].*\]", re.DOTALL)


class EmbeddingTaskGenerator(EmbeddingData, GeneratorTask):
    r"""Invents tasks for an embedding model, about twenty in a reply (arXiv 2401.00368).

    Columns: -> `tasks` (list of str), one list for each of `num_rows`; with `flatten_tasks` `task`
    (str), one row for each task, whose metadata tells of the whole reply.

    `category` is the kind of task: "text-retrieval", "text-matching-short", "text-matching-long" or
    "text-classification", as the tasks that write the texts need them. Each row asks for some of
    its tasks from a subject that is drawn from its number and `seed`. Of tasks that say the same
    the first stays. A reply without a list is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import EmbeddingTaskGenerator
        >>> reply = '{"tasks": ["Given a symptom, find its causes.", "Find laws for a case."]}'
        >>> inventor = EmbeddingTaskGenerator(
        ...     llm=ScriptedLLM(replies=(reply,)), category="text-retrieval", flatten_tasks=True
        ... )
        >>> rows, is_last = next(inventor.process())
        >>> [row["task"] for row in rows]
        ['Given a symptom, find its causes.', 'Find laws for a case.']
    """

    version: ClassVar = 1
    template: ClassVar = Prompt("embedding_task_generator.jinja2")
    parameters: ClassVar = {"category": (), "subject": SUBJECTS}

    category: Literal[
        "text-retrieval", "text-matching-short", "text-matching-long", "text-classification"
    ]
    flatten_tasks: bool = False

    @property
    def outputs(self) -> dict[str, Any]:
        return {"task": pl.String()} if self.flatten_tasks else {"tasks": pl.List(pl.String)}

    async def answer(self, input: Row, ask: Ask) -> list[Generated]:
        replies = await super().answer(input, ask)
        if not self.flatten_tasks:
            return replies
        return [
            Generated(outputs, reply.exchanges)
            for reply in replies
            for outputs in _apart(reply.outputs)
        ]

    def format_output(self, output: str | None, input: Row) -> Row:
        text = plain(output)
        schema = self.response_schema(input)
        found = object_in(text, schema)
        if found is None and (listed := _LIST.search(text)):
            found = object_in(f'{{"tasks": {listed[0]}}}', schema)
        said = items_in(text, marked=True) if found is None else found["tasks"]
        tasks: dict[str, str] = {}
        for task in said:
            if task.strip():
                tasks.setdefault(folded(task), task.strip())
        if not tasks:
            raise RowRejected("the reply lists no tasks")
        return {"task" if self.flatten_tasks else "tasks": list(tasks.values())}

    def response_schema(self, input: Row) -> Schema:
        return object_of(tasks=list_of(TEXT))


def _apart(outputs: Row | RowRejected) -> list[Row] | list[RowRejected]:
    if isinstance(outputs, RowRejected):
        return [outputs]
    return [{"task": task} for task in outputs["task"]]
