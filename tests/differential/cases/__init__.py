"""The cases of every family."""

from __future__ import annotations

from tests.differential.case import Case
from tests.differential.cases import (
    classification,
    columns,
    embeddings,
    evolution,
    feedback,
    formatting,
    function_calling,
    generation,
    images,
    math,
    retrieval,
    sources,
)

CASES: tuple[Case, ...] = (
    *sources.CASES,
    *columns.CASES,
    *formatting.CASES,
    *embeddings.CASES,
    *generation.CASES,
    *evolution.CASES,
    *math.CASES,
    *feedback.CASES,
    *function_calling.CASES,
    *retrieval.CASES,
    *classification.CASES,
    *images.CASES,
)
