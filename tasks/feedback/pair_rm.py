"""`PairRM`: candidates ranked by a small model that compares them pair by pair."""

from __future__ import annotations

import math
from typing import ClassVar

import polars as pl

from llms.errors import RowRejected
from llms.weights import location
from tasks.chats import required_text, text_in
from tasks.feedback.local_model import LocalModelStep
from tasks.feedback.pair_ranker import PairRanker, network_class
from tasks.row import Row

_LOADABLE = {"llm-blender/PairRM": "llm-blender/PairRM-hf"}
"""The same weights by the same authors, in files that transformers reads."""


class PairRM(LocalModelStep):
    """Ranks candidates for an input by comparing each with each other (arXiv 2306.02561).

    Columns: `input` (str), `candidates` (list of str) -> `ranks` (list of int, 1 is best, one for
    each candidate), `ranked_candidates` (list of str, best first), `model_name` (str).

    Rows may have different numbers of candidates. A candidate's score is the sum of what it wins
    and loses against the others, with either of them first; candidates with equal scores share a
    rank. Of the input 1,224 tokens are read and 2,048 in all. `instructions` is put before every
    input. The package llm-blender, which is no longer kept, is not needed: transformers runs the
    network, and "llm-blender/PairRM" is loaded from "llm-blender/PairRM-hf". Needs the extra
    `transformers`.

    Rejected are rows without an input, or with fewer than two candidates or one that is missing.

    Example:
        >>> from tasks import PairRM
        >>> list(PairRM().outputs)
        ['ranks', 'ranked_candidates', 'model_name']
    """

    version: ClassVar = 1
    inputs: ClassVar = {"input": pl.String, "candidates": pl.List(pl.String)}
    outputs: ClassVar = {
        "ranks": pl.List(pl.Int64),
        "ranked_candidates": pl.List(pl.String),
        "model_name": pl.String,
    }

    model: str = "llm-blender/PairRM"
    instructions: str | None = None

    def make(self, input: Row) -> Row:
        source, candidates = text_in(input, "input"), _candidates(input)
        if self.instructions:
            source = f"{self.instructions}\n{source}"
        different = list(dict.fromkeys(candidates))
        with self.at_work() as ranker:
            scores = dict(zip(different, ranker.scores(source, different), strict=True))
        if not all(map(math.isfinite, scores.values())):
            raise RowRejected("a score is not finite")
        ranks = [
            1 + sum(scores[other] > scores[candidate] for other in candidates)
            for candidate in candidates
        ]
        order = sorted(range(len(candidates)), key=ranks.__getitem__)
        return {
            "ranks": ranks,
            "ranked_candidates": [candidates[index] for index in order],
            "model_name": self.model,
        }

    def open(self) -> PairRanker:
        from transformers import AutoTokenizer

        place = location(_LOADABLE.get(self.model, self.model))
        network = network_class().from_pretrained(
            place, dtype=self.torch_dtype, device_map=self.device_map, **self.shared
        )
        ranker = PairRanker(network.eval(), AutoTokenizer.from_pretrained(place, **self.shared))
        ranker.check()
        return ranker


def _candidates(row: Row) -> list[str]:
    texts = row.get("candidates")
    if not isinstance(texts, list) or len(texts) < 2:
        raise RowRejected("the column 'candidates' holds no list of two texts or more")
    return [required_text(text, f"candidate {number}") for number, text in enumerate(texts, 1)]
