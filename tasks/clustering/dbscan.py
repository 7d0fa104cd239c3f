"""`DBSCAN`: clusters of points that lie densely."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.config import Operational
from tasks.clustering.points import Matrix, Metric, points_in
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.step import GlobalStep


class DBSCAN(GlobalStep):
    """Finds the groups in which points lie densely, however many there are.

    Columns: `projection` (list of float) -> `cluster_label` (int, from 0; -1 is noise).

    A cluster grows from points with at least `min_samples` points, itself among them, within the
    distance `eps`. With the default of 30 a dataset of fewer rows is all noise. `eps` is in the
    units of the points and fits the output of `UMAP`; where it is so large that most points are
    neighbours, the memory needed grows with the square of the rows. `n_jobs` is the number of
    threads, -1 one a core. Labels are numbered in the order of the rows.

    A row is rejected if its point is missing, has a number that is missing or not finite, or does
    not have as many numbers as most. The fitted model is the artifact `DBSCAN_model` (joblib; load
    it only from where you trust, as any pickle).

    Example:
        >>> from tasks import DBSCAN
        >>> rows = [{"projection": [x, 0.0]} for x in (0.0, 0.1, 9.0, 9.1, 50.0)]
        >>> [row["cluster_label"] for row in next(DBSCAN(min_samples=2).process(rows))]
        [0, 0, 1, 1, -1]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"projection": True}
    outputs: ClassVar = {"cluster_label": pl.Int64}
    reads_inputs_only: ClassVar = True

    eps: float = Field(default=0.3, gt=0)
    min_samples: int = Field(default=30, ge=1)
    metric: Metric = "euclidean"
    n_jobs: Operational[int] = -1

    def load(self) -> None:
        check_packages("DBSCAN", "clustering", "sklearn", "joblib")

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        self.load()
        points = points_in(frame, "projection", self.name)
        made = pl.Series("cluster_label", self._labels(points.matrix), dtype=pl.Int64)
        return points.outcome(frame, made, context)

    def _labels(self, points: Matrix) -> Any:
        import joblib  # type: ignore[import-untyped]  # it has no types
        from sklearn.cluster import DBSCAN as Clusterer  # type: ignore[import-untyped]  # as above

        if not len(points):
            return []
        model = Clusterer(
            eps=self.eps,
            min_samples=self.min_samples,
            metric=self.metric,
            n_jobs=self.n_jobs or None,
        ).fit(points)
        about = {"step": self.name, "rows": len(points), **self.content}
        self.save_artifact(
            "DBSCAN_model", lambda folder: joblib.dump(model, folder / "DBSCAN.joblib"), about
        )
        return model.labels_
