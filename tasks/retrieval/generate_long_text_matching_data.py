"""`GenerateLongTextMatchingData`: two long texts that belong together by a task."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from tasks.prompt import Prompt
from tasks.retrieval.embedding_data import EmbeddingData


class GenerateLongTextMatchingData(EmbeddingData):
    r"""Writes two long texts that match by a task (arXiv 2401.00368).

    Columns: `task` (str, as from `EmbeddingTaskGenerator`) -> `input`, `positive_document` (str).

    A reply that lacks a text, or has the same one twice, is a rejection. Nothing is drawn here:
    `seed` is there for the sake of the family.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import GenerateLongTextMatchingData
        >>> reply = '{"input": "We took a train ...", "positive_document": "Our bus left ..."}'
        >>> writer = GenerateLongTextMatchingData(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"task": "Match reports of journeys of one kind."}
        >>> next(writer.process([row]))[0]["positive_document"]
        'Our bus left ...'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"task": pl.String}
    template: ClassVar = Prompt("generate_long_text_matching_data.jinja2")
    texts: ClassVar = ("input", "positive_document")
    parameters: ClassVar = {"language": ()}

    language: str = "English"
