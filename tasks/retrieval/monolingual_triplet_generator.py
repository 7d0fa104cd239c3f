"""`MonolingualTripletGenerator`: three texts of one language, two closer than the third."""

from __future__ import annotations

from typing import ClassVar

from tasks.prompt import Prompt
from tasks.retrieval.graded_texts import GradedTexts


class MonolingualTripletGenerator(GradedTexts):
    r"""Invents triplets of one language that are alike to two degrees (arXiv 2401.00368).

    Columns: -> `S1`, `S2`, `S3` (str), `num_rows` rows. How much S1 and S2 mean the same is
    `high_score` ("4", "4.5", "5") of 5, how much S1 and S3 do is `low_score` ("2.5", "3", "3.5").

    These, `unit` (sentence, phrase or passage) and `difficulty` (elementary school, high school or
    college) are drawn anew for each row and generation, from the row's number and `seed`, where
    they are None; so is a subject. A reply that lacks a text, or has the same one twice, is a
    rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import MonolingualTripletGenerator
        >>> reply = '{"S1": "It rains.", "S2": "Rain is falling.", "S3": "It is wet here."}'
        >>> inventor = MonolingualTripletGenerator(llm=ScriptedLLM(replies=(reply,)))
        >>> rows, is_last = next(inventor.process())
        >>> rows[0]["S2"]
        'Rain is falling.'
    """

    version: ClassVar = 1
    template: ClassVar = Prompt("monolingual_triplet_generator.jinja2")
    parameters: ClassVar = {"language": (), **GradedTexts.graded}

    language: str = "English"
