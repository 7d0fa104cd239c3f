"""`GenerateTextRetrievalData`: a query, the document it needs, and one that only seems to do."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import polars as pl

from tasks.prompt import Prompt
from tasks.retrieval.embedding_data import EmbeddingData

_QueryType = Literal["extremely long-tail", "long-tail", "common"]
_QueryLength = Literal["less than 5 words", "5 to 15 words", "at least 10 words"]
_Difficulty = Literal["high school", "college", "PhD"]
_Clarity = Literal["clear", "understandable with some effort", "ambiguous"]
_Words = Literal[50, 100, 200, 300, 400, 500]


class GenerateTextRetrievalData(EmbeddingData):
    r"""Writes a query and two documents for a retrieval task (arXiv 2401.00368).

    Columns: `task` (str, as from `EmbeddingTaskGenerator`) -> `user_query`, `positive_document`,
    `hard_negative_document` (str).

    `query_type`, `query_length`, `clarity` (of the query), `num_words` (the least number of words
    of a document) and `difficulty` (the education it takes to follow) are drawn anew for each
    generation, from the row's key and `seed`, where they are None. A reply that lacks a text, or
    has the same one twice, is a rejection.

    Example:
        >>> from llms import ScriptedLLM
        >>> from tasks import GenerateTextRetrievalData
        >>> reply = (
        ...     '{"user_query": "red rash", "positive_document": "A rash that is red ...", '
        ...     '"hard_negative_document": "Red is a colour ..."}'
        ... )
        >>> writer = GenerateTextRetrievalData(llm=ScriptedLLM(replies=(reply,)), num_words=50)
        >>> next(writer.process([{"task": "Given a symptom, find its causes."}]))[0]["user_query"]
        'red rash'
    """

    version: ClassVar = 1
    inputs: ClassVar = {"task": pl.String}
    template: ClassVar = Prompt("generate_text_retrieval_data.jinja2")
    texts: ClassVar = ("user_query", "positive_document", "hard_negative_document")
    parameters: ClassVar = {
        "language": (),
        "query_type": get_args(_QueryType),
        "query_length": get_args(_QueryLength),
        "difficulty": get_args(_Difficulty),
        "clarity": get_args(_Clarity),
        "num_words": get_args(_Words),
    }

    language: str = "English"
    query_type: _QueryType | None = None
    query_length: _QueryLength | None = None
    difficulty: _Difficulty | None = None
    clarity: _Clarity | None = None
    num_words: _Words | None = None
