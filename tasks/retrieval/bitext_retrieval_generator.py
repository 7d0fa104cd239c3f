"""`BitextRetrievalGenerator`: a text, its translation, and a translation that is not quite one."""

from __future__ import annotations

from typing import ClassVar

from tasks.prompt import Prompt
from tasks.retrieval.graded_texts import GradedTexts


class BitextRetrievalGenerator(GradedTexts):
    r"""Invents a text and two translations, a good one and a worse one (arXiv 2401.00368).

    Columns: -> `S1` (str, in the source language), `S2`, `S3` (str, in the target language),
    `num_rows` rows. How well S2 translates S1 is `high_score` ("4", "4.5", "5") of 5, how well S3
    does is `low_score` ("2.5", "3", "3.5").

    These, `unit` (sentence, phrase or passage) and `difficulty` (elementary school, high school or
    college) are drawn anew for each row and generation, from the row's number and `seed`, where
    they are None; so is a subject. A reply that lacks a text, or has the same one twice, is a
    rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import BitextRetrievalGenerator
        >>> reply = '{"S1": "It rains.", "S2": "Es regnet.", "S3": "Es ist nass."}'
        >>> inventor = BitextRetrievalGenerator(
        ...     llm=ScriptedLLM(replies=(reply,)), target_language="German"
        ... )
        >>> rows, is_last = next(inventor.process())
        >>> rows[0]["S2"]
        'Es regnet.'
    """

    version: ClassVar = 1
    template: ClassVar = Prompt("bitext_retrieval_generator.jinja2")
    parameters: ClassVar = {"source_language": (), "target_language": (), **GradedTexts.graded}

    source_language: str = "English"
    target_language: str
