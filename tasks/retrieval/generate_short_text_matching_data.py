"""`GenerateShortTextMatchingData`: two short texts that belong together by a task."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.prompt import Prompt
from tasks.retrieval.embedding_data import EmbeddingData


class GenerateShortTextMatchingData(EmbeddingData):
    r"""Writes two short texts that match by a task (arXiv 2401.00368).

    Columns: `task` (str, as from `EmbeddingTaskGenerator`) -> `input`, `positive_document` (str).

    A reply that lacks a text, or has the same one twice, is a rejection. Nothing is drawn here:
    `seed` is there for the sake of the family.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import GenerateShortTextMatchingData
        >>> reply = '{"input": "pasta carbonara", "positive_document": "Italian"}'
        >>> writer = GenerateShortTextMatchingData(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"task": "Given a dish, find its cuisine."}
        >>> next(writer.process([row]))[0]["positive_document"]
        'Italian'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"task": pl.String}
    template: ClassVar = Prompt("generate_short_text_matching_data.jinja2")
    texts: ClassVar = ("input", "positive_document")
    parameters: ClassVar = {"language": ()}

    language: str = "English"
