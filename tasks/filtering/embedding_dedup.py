"""`EmbeddingDedup`: marks the first of the rows whose vectors are near each other."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self, get_args

import polars as pl
from pydantic import model_validator

from llms.errors import ConfigurationError
from tasks.embeddings.faiss_index import Metric
from tasks.outcome import Outcome, StepContext
from tasks.step import GlobalStep

_KEEP = "keep_row_after_embedding_filtering"


class EmbeddingDedup(GlobalStep):
    """Marks which rows to keep so that no two of those kept are near each other.

    Columns: `nn_indices` (list of int), `nn_scores` (list of float), where they exist `nn_row`
    (int) and `nn_metric` (str), as FaissNearestNeighbour makes them ->
    `keep_row_after_embedding_filtering` (bool). KeepRows then drops the others.

    Rows are taken in order: one is dropped if it is near an earlier row that was kept. So of every
    pair one stays, and every row dropped is near one that stays; of three rows in a chain, of which
    only neighbours are near each other, the first and the last stay. A row knows its `k` nearest
    only: of equal vectors one stays whatever `k` is, of a group of similar ones more may stay where
    the group is larger than `k` + 1, so search with a `k` as large as the groups you expect.

    Near is a cosine or inner product above `threshold`, or a squared distance (l2) below it; for
    distances there is no usual threshold and one must be given. What the scores are, `nn_metric`
    says, and for scores from elsewhere `metric_type`. Indices are numbers in `nn_row`, without
    which they are positions in the dataset; a neighbour that is no longer there does not count. A
    row is rejected if it has no neighbours listed (an empty list is one), or not a score for each.

    Raises:
        ConfigurationError: nobody says what the scores are, `nn_metric` and `metric_type` say
            different things, or the scores are distances and there is no threshold.

    Example:
        >>> from tasks import EmbeddingDedup
        >>> pair = [{"nn_indices": [n], "nn_scores": [0.97]} for n in (1, 0)]
        >>> step = EmbeddingDedup(metric_type="cosine")
        >>> [row["keep_row_after_embedding_filtering"] for row in next(step.process(pair))]
        [True, False]
    """

    version: ClassVar = 1
    inputs: ClassVar = {
        "nn_indices": pl.List(pl.Int64),
        "nn_scores": pl.List(pl.Float64),
        "nn_row": False,
        "nn_metric": False,
    }
    outputs: ClassVar = {_KEEP: pl.Boolean}
    reads_inputs_only: ClassVar = True

    threshold: float = 0.9
    metric_type: Metric | None = None

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        distances = self._metric(frame) == "l2"
        outcome = self.rejecting(frame, frame.select(_REASON).to_series())
        context.observer.finished(self.name, outcome.frame.height, len(outcome.rejections))
        score = pl.col("nn_scores")
        near = score < self.threshold if distances else score > self.threshold
        keep = _firsts(outcome.frame, near)
        return replace(
            outcome, frame=outcome.frame.with_columns(pl.Series(_KEEP, keep, dtype=pl.Boolean))
        )

    def _metric(self, frame: pl.DataFrame) -> str:
        said = {self.metric_type} if self.metric_type else set()
        if "nn_metric" in frame.columns:
            said |= set(frame["nn_metric"].drop_nulls())
        if len(said) > 1:
            listed = ", ".join(sorted(said))
            raise ConfigurationError(
                f"Step {self.name!r} is given scores of several kinds ({listed}); let one "
                f"FaissNearestNeighbour make them all, and leave metric_type out."
            )
        if not said and frame.height:
            raise ConfigurationError(
                f"Step {self.name!r} cannot tell whether a high score means near or far: there is "
                f"no column 'nn_metric'; set metric_type to cosine, inner_product or l2."
            )
        metric = said.pop() if said else "cosine"
        if metric not in get_args(Metric):
            raise ConfigurationError(
                f"Step {self.name!r} does not know the scores {metric!r} in 'nn_metric'; they are "
                f"one of {', '.join(get_args(Metric))}."
            )
        self._check_threshold(metric)
        return metric

    def _check_threshold(self, metric: str) -> None:
        if metric == "l2" and "threshold" not in self.model_fields_set:
            raise ConfigurationError(
                f"Step {self.name!r} is given distances, for which there is no usual threshold; "
                f"set threshold to the squared distance below which rows are near, or let "
                f"FaissNearestNeighbour have metric_type='cosine'."
            )

    @model_validator(mode="after")
    def _refuse_distances_without_a_threshold(self) -> Self:
        self._check_threshold(self.metric_type or "")
        return self


_REASON = (
    pl.when(pl.col("nn_indices").is_null())
    .then(pl.lit("the column 'nn_indices' is null"))
    .when(pl.col("nn_scores").list.len().ne_missing(pl.col("nn_indices").list.len()))
    .then(pl.lit("'nn_scores' has not one score for each of 'nn_indices'"))
)


def _firsts(frame: pl.DataFrame, near: pl.Expr) -> list[bool]:
    """Return for each row whether no earlier row that is kept is near it.

    Raises:
        ConfigurationError: two rows have the same number.
    """
    position = pl.int_range(pl.len())
    rows = frame.select(
        pl.col("nn_indices").cast(pl.List(pl.Int64)),
        pl.col("nn_scores").cast(pl.List(pl.Float64)),
        pl.col("nn_row").cast(pl.Int64) if "nn_row" in frame.columns else position.alias("nn_row"),
        position.alias("place"),
    )
    numbers = rows.select("nn_row", other="place")
    if numbers["nn_row"].is_duplicated().any():
        raise ConfigurationError(
            "Rows of several searches are together, so the numbers in 'nn_row' mean nothing; "
            "let FaissNearestNeighbour search all rows at once."
        )
    first, other = pl.col("place"), pl.col("other")
    pairs = (
        rows.explode("nn_indices", "nn_scores")
        .filter(near)
        .join(numbers, left_on="nn_indices", right_on="nn_row")
        .filter(first != other)
        .select(later=pl.max_horizontal(first, other), earlier=pl.min_horizontal(first, other))
        .sort("later")
    )
    keep = [True] * rows.height
    for later, earlier in pairs.iter_rows():
        if keep[earlier]:
            keep[later] = False
    return keep
