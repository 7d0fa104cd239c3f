"""`DeitaFiltering`: the best scored rows that are unlike each other."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from tasks.clustering.points import Matrix, points_in
from tasks.outcome import Outcome, StepContext
from tasks.step import GlobalStep

_SCORES = ("evol_instruction_score", "evol_response_score")
_BLOCK = 256
"""Rows that are compared with those chosen at a time: no larger matrix is ever made."""


class DeitaFiltering(GlobalStep):
    """Chooses the best rows that differ enough from all better ones chosen (arXiv 2312.15685).

    Columns: `evol_instruction_score`, `evol_response_score` (number), `embedding` (list of float)
    -> `deita_score` (float), `nearest_neighbor_distance` (float), `deita_score_computed_with` (list
    of str); fewer rows, in the order they came in.

    `deita_score` is the product of the two scores; where one is null the other, where both are, 0;
    `deita_score_computed_with` names those that were there. From the highest score down, of equal
    scores the first row first, a row is chosen if its distance to every row chosen before is
    `diversity_threshold` or more, until there are `data_budget` of them. The rows not chosen are
    filtered. `nearest_neighbor_distance` is the distance to the nearest other row chosen, null if
    there is none.

    `distance_metric` "cosine" is 1 - cosine, 0 to 2, whatever the lengths of the vectors;
    "manhattan" is that of the vectors, scaled to length one first with `normalize_embeddings`. The
    paper's authors refuse a cosine above 0.9; that is a distance below 0.1, the default here.
    distilabel has 0.9 for the distance, which hardly any two texts reach: of 1,500 sentences it
    leaves 8.

    A row is rejected if a score is not finite, or if its vector is missing, has a number that is
    missing or not finite, or is not as long as most.

    Example:
        >>> from tasks import DeitaFiltering
        >>> scores = {"evol_instruction_score": 4.0, "evol_response_score": 3.0}
        >>> better = {"evol_instruction_score": 5.0, "evol_response_score": None}
        >>> rows = [{**better, "embedding": [1.0, 0.1]}, {**scores, "embedding": [1.0, 0.0]}]
        >>> [row["deita_score"] for row in next(DeitaFiltering(data_budget=2).process(rows))]
        [12.0]
    """

    version: ClassVar = 1
    inputs: ClassVar = {**dict.fromkeys(_SCORES, pl.Float64), "embedding": True}
    outputs: ClassVar = {
        "deita_score": pl.Float64,
        "nearest_neighbor_distance": pl.Float64,
        "deita_score_computed_with": pl.List(pl.String),
    }
    reads_inputs_only: ClassVar = True

    data_budget: int = Field(ge=1)
    diversity_threshold: float = Field(default=0.1, ge=0)
    normalize_embeddings: bool = True
    distance_metric: Literal["cosine", "manhattan"] = "cosine"

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        from llms.embeddings.in_process import unit_length

        reasons = frame.select(pl.coalesce(*map(_reason_against, _SCORES))).to_series()
        scored = self.rejecting(frame, reasons)
        points = points_in(scored.frame, "embedding", self.name)
        rejections = (*scored.rejections, *points.rejections)
        rows = scored.frame[points.indices].with_columns(_score(), _computed_with())
        vectors = points.matrix
        if self.distance_metric == "cosine" or self.normalize_embeddings:
            vectors = unit_length(vectors)
        chosen = self._chosen(vectors, rows["deita_score"])
        distances = pl.Series(self._nearest(vectors[chosen]), dtype=pl.Float64)
        made = rows[chosen].with_columns(distances.alias("nearest_neighbor_distance"))
        context.observer.finished(self.name, frame.height - len(rejections), len(rejections))
        return Outcome(made, rejections)

    def _chosen(self, vectors: Matrix, scores: pl.Series) -> list[int]:
        """Return the rows to keep, in the order of the dataset."""
        import numpy as np

        order = np.argsort(-scores.to_numpy(), kind="stable")
        chosen: list[int] = []
        for start in range(0, len(order), _BLOCK):
            block = order[start : start + _BLOCK]
            candidates = vectors[block]
            far = np.ones(len(block), bool)
            if chosen:
                distances = self._distances(candidates, vectors[chosen])
                far = (distances >= self.diversity_threshold).all(axis=1)
            apart = self._distances(candidates, candidates) >= self.diversity_threshold
            taken: list[int] = []
            for number in np.flatnonzero(far):
                if apart[number, taken].all():
                    taken.append(int(number))
                    chosen.append(int(block[number]))
                    if len(chosen) == self.data_budget:
                        return sorted(chosen)
        return sorted(chosen)

    def _nearest(self, vectors: Matrix) -> list[float | None]:
        """Return how far each vector is from the nearest other one."""
        if len(vectors) < 2:
            return [None] * len(vectors)
        nearest: list[float | None] = []
        for start in range(0, len(vectors), _BLOCK):
            distances = self._distances(vectors[start : start + _BLOCK], vectors)
            for number, row in enumerate(distances):
                row[start + number] = float("inf")
            nearest += distances.min(axis=1).tolist()
        return nearest

    def _distances(self, some: Matrix, others: Matrix) -> Any:
        import numpy as np

        if self.distance_metric == "cosine":
            return (1 - some @ others.T).clip(0, 2)
        return np.stack([np.abs(others - vector).sum(axis=1) for vector in some])


def _reason_against(column: str) -> pl.Expr:
    wrong = pl.col(column).cast(pl.Float64).is_finite().not_()
    return pl.when(wrong).then(pl.lit(f"the column {column!r} holds no finite number"))


def _score() -> pl.Expr:
    scores = [pl.col(name).cast(pl.Float64) for name in _SCORES]
    product = scores[0].fill_null(1.0) * scores[1].fill_null(1.0)
    missing = pl.all_horizontal(score.is_null() for score in scores)
    return pl.when(missing).then(0.0).otherwise(product).alias("deita_score")


def _computed_with() -> pl.Expr:
    names = [pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in _SCORES]
    return pl.concat_list(names).list.drop_nulls().alias("deita_score_computed_with")
