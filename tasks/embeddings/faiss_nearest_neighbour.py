"""`FaissNearestNeighbour`: for each row the rows whose vectors are nearest."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar

import polars as pl
from pydantic import BeforeValidator, Field

from llms.config import Operational
from tasks.clustering.points import Matrix, points_in
from tasks.embeddings.faiss_index import Device, FaissIndex, Metric, check_device
from tasks.embeddings.neighbours import NOBODY, neighbours
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.step import GlobalStep

_NUMBERED: dict[int | None, Metric] = {None: "cosine", 0: "inner_product", 1: "l2"}
"""Metrics by the numbers that faiss gives them."""


def _metric(value: Any) -> Any:
    return _NUMBERED.get(value, value) if value is None or isinstance(value, int) else value


def _device(value: Any) -> Any:
    if value is None:
        return "cpu"
    return "gpu" if isinstance(value, int) and value < 0 else value


class FaissNearestNeighbour(GlobalStep):
    """Finds for each row the `k` rows whose vectors are nearest, with faiss (arXiv 2401.08281).

    Columns: `embedding` (list of float) -> `nn_indices` (list of int), `nn_scores` (list of float),
    `nn_row` (int), `nn_metric` (str).

    `nn_row` is the row's number among those that come out, from 0, and `nn_indices` are such
    numbers, the nearest first and equally near ones by number. A row is never its own neighbour; in
    a dataset of `k` rows or fewer the lists are shorter. `nn_scores` are what `nn_metric` says:
    "cosine" (-1 to 1) and "inner_product" grow with nearness, "l2" is the squared Euclidean
    distance. `metric_type` is one of these names, or 0 (inner product) or 1 (l2) as in faiss; in
    distilabel the default is l2, for which a score above a threshold means far. A vector of zeros
    has the cosine 0 with every other.

    Without a `string_factory` (as `faiss.index_factory` takes it, such as "Flat") up to 20,000 rows
    are compared in full, and more by short codes that choose 256 candidates or more to compare in
    full: of 100,000 texts that misses 1 in 100 nearest neighbours or fewer, none of them a near
    duplicate, in half the time. It still grows with the square of the rows: for millions name an
    index with lists, such as "IVF4096,PQ128x4fs,RFlat", of which 32 are searched. `train_size`
    vectors, taken evenly, train an index that needs it (None: all). `device` is "cpu" (None too),
    "gpu" or -1 (all GPUs), or the numbers of GPUs, for a faiss that has them.

    The result does not depend on `search_batch_size` or the number of threads. The index is saved
    as the artifact `faiss_index`; for the cosine it holds the vectors scaled to length one. A row
    is rejected if its vector is missing, has a number that is missing or not finite, or is not as
    long as most.

    Example:
        >>> from tasks import FaissNearestNeighbour
        >>> rows = [{"embedding": [3.0, 4.0]}, {"embedding": [0.0, 1.0]}, {"embedding": [1.0, 1.0]}]
        >>> for row in next(FaissNearestNeighbour().process(rows)):
        ...     print(row["nn_indices"], round(row["nn_scores"][0], 2), row["nn_metric"])
        [2] 0.99 cosine
        [0] 0.8 cosine
        [0] 0.99 cosine
    """

    version: ClassVar = 1
    inputs: ClassVar = {"embedding": True}
    outputs: ClassVar = {
        **NOBODY.schema,
        "nn_row": pl.Int64,
        "nn_metric": pl.String,
    }
    reads_inputs_only: ClassVar = True

    device: Annotated[Operational[Device], BeforeValidator(_device)] = "cpu"
    string_factory: str | None = Field(default=None, min_length=1)
    metric_type: Annotated[Metric, BeforeValidator(_metric)] = "cosine"
    k: int = Field(default=1, ge=1)
    search_batch_size: Operational[int] = Field(default=1024, ge=1)
    train_size: int | None = Field(default=None, ge=1)

    def load(self) -> None:
        check_packages("FaissNearestNeighbour", "faiss", "faiss")
        check_device(self.device)

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        self.load()
        points = points_in(frame, "embedding", self.name)
        count = len(points.matrix)
        rows = pl.Series("nn_row", range(count), dtype=pl.Int64)
        outcome = points.outcome(frame, rows, context)
        found = NOBODY
        if count:
            index = self._index(points.matrix)
            self._save(index)
            found = neighbours(index, self.k, self.search_batch_size)
        metric = pl.lit(self.metric_type).alias("nn_metric")
        return replace(outcome, frame=outcome.frame.with_columns(*found, metric))

    def _index(self, vectors: Matrix) -> FaissIndex:
        from llms.embeddings.in_process import unit_length

        prepared = unit_length(vectors) if self.metric_type == "cosine" else vectors
        return FaissIndex(
            prepared,
            self.metric_type,
            description=self.string_factory,
            train_size=self.train_size,
            device=self.device,
        )

    def _save(self, index: FaissIndex) -> None:
        count, length = index.vectors.shape
        about = {
            "step": self.name,
            "rows": count,
            "length": length,
            "metric_type": self.metric_type,
            "string_factory": index.description,
        }
        self.save_artifact("faiss_index", index.write, about)
