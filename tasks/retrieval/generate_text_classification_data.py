"""`GenerateTextClassificationData`: a text with the right label and a tempting wrong one."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import polars as pl

from tasks.prompt import Prompt
from tasks.retrieval.embedding_data import EmbeddingData

_Difficulty = Literal["high school", "college", "PhD"]
_Clarity = Literal["clear", "understandable with some effort", "ambiguous"]


class GenerateTextClassificationData(EmbeddingData):
    r"""Writes a text for a classification task, with two labels (arXiv 2401.00368).

    Columns: `task` (str, as from `EmbeddingTaskGenerator`) -> `input_text`, `label`,
    `misleading_label` (str).

    `clarity` of the text and `difficulty` (the education it takes to follow it) are drawn anew for
    each generation, from the row's key and `seed`, where they are None. A reply that lacks a text,
    or has the same label twice, is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import GenerateTextClassificationData
        >>> reply = '{"input_text": "So late!", "label": "complaint", "misleading_label": "news"}'
        >>> writer = GenerateTextClassificationData(llm=ScriptedLLM(replies=(reply,)))
        >>> row = {"task": "Tell what a message of a customer is."}
        >>> next(writer.process([row]))[0]["label"]
        'complaint'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"task": pl.String}
    template: ClassVar = Prompt("generate_text_classification_data.jinja2")
    texts: ClassVar = ("input_text", "label", "misleading_label")
    parameters: ClassVar = {
        "language": (),
        "difficulty": get_args(_Difficulty),
        "clarity": get_args(_Clarity),
    }

    language: str = "English"
    difficulty: _Difficulty | None = None
    clarity: _Clarity | None = None
