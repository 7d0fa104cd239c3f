"""`UMAP`: vectors brought to few dimensions, for a picture or for clustering."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from pydoc import locate
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.config import Operational
from tasks.clustering.points import Matrix, Metric, points_in
from tasks.outcome import Outcome, StepContext
from tasks.packages import check_packages
from tasks.step import GlobalStep

_NEIGHBOURS = 15
_FEWEST = 3
"""Distinct vectors below which there are no neighbourhoods to keep."""


class UMAP(GlobalStep):
    """Projects vectors to `n_components` dimensions, near ones near each other (arXiv 1802.03426).

    Columns: `embedding` (list of float) -> `projection` (list of float, `n_components` of them).

    The same rows get the same projection, in whatever order they come: `random_state` is 0 unless
    it is given. That takes one thread; `random_state=None` works with `n_jobs` threads (-1: one a
    core) and gives another projection each time. On two cores the threads save a third at most.
    A process's first projection also compiles for 12 s, with more than 4,096 rows for 40 s; after
    that 5,000 vectors of 384 numbers take 5 s, 20,000 take 10 s and 50,000 take 30 s.

    Equal vectors get the same place. One or two different vectors have no neighbourhoods: all are
    placed at the origin. A row is rejected if its vector is missing, has a number that is missing
    or not finite, or is not as long as most.

    The fitted model is saved as the artifact `UMAP_model` (joblib, fitted on the different vectors)
    and can project further ones; load it only from where you trust, as any pickle. The same rows
    give the same file.

    Example:
        >>> from tasks import UMAP
        >>> rows = [{"embedding": [0.0, 1.0]}, {"embedding": [0.0, 1.0]}]
        >>> next(UMAP().process(rows))[0]["projection"]
        [0.0, 0.0]
    """

    version: ClassVar = 1
    inputs: ClassVar = {"embedding": True}
    outputs: ClassVar = {"projection": pl.List(pl.Float64)}
    reads_inputs_only: ClassVar = True

    n_components: int = Field(default=2, ge=1)
    metric: Metric = "euclidean"
    n_jobs: Operational[int] = -1
    random_state: int | None = Field(default=0, ge=0, lt=2**32)

    def load(self) -> None:
        check_packages("UMAP", "clustering", "umap")

    def transform(self, frame: pl.DataFrame, context: StepContext) -> Outcome:
        self.load()
        points = points_in(frame, "embedding", self.name)
        projected = self._projected(points.matrix)
        made = pl.Series("projection", projected, dtype=pl.List(pl.Float64))
        return points.outcome(frame, made, context)

    def _projected(self, vectors: Matrix) -> Any:
        import numpy as np

        if not len(vectors):
            return []
        different, places = np.unique(vectors, axis=0, return_inverse=True)
        if len(different) < _FEWEST:
            return [[0.0] * self.n_components] * len(vectors)
        model = self._model(len(different))
        with warnings.catch_warnings():
            # Vectors that lie in groups far apart are what clustering looks for.
            warnings.filterwarnings("ignore", "Graph is not fully connected", UserWarning)
            # UMAP then starts from random places, which is right for so few vectors.
            warnings.filterwarnings("ignore", "(?s).*Spectral initialisation failed", UserWarning)
            projected = model.fit_transform(different)
        self._save(model, len(different))
        return projected[places].astype(np.float64).tolist()

    def _model(self, rows: int) -> Any:
        umap = _imported()
        return umap.UMAP(
            n_neighbors=min(_NEIGHBOURS, rows - 1),
            n_components=self.n_components,
            metric=self.metric,
            random_state=self.random_state,
            n_jobs=self._threads() if self.random_state is None else 1,
            init="spectral" if rows > max(_NEIGHBOURS, self.n_components + 1) else "random",
            disconnection_distance=float("inf"),  # else opposite vectors get no place
        )

    def _threads(self) -> int:
        from numba import get_num_threads

        most = int(get_num_threads())  # more than these is an error to numba
        return most if self.n_jobs < 1 else min(self.n_jobs, most)

    def _save(self, model: Any, rows: int) -> None:
        def write(folder: Path) -> None:
            with (folder / "UMAP.joblib").open("wb") as file:
                _Pickler(file, protocol=5).dump(model)

        self.save_artifact("UMAP_model", write, {"step": self.name, "rows": rows, **self.content})


class _Pickler(pickle.Pickler):
    """Writes compiled functions by name; numba's own way differs from process to process."""

    def reducer_override(self, value: Any) -> Any:
        function = getattr(value, "py_func", None)
        name = f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
        named = function and getattr(locate(name), "py_func", None) is function
        return (locate, (name,)) if named else NotImplemented


def _imported() -> Any:
    with warnings.catch_warnings():
        # It is told to users of ParametricUMAP, which needs Tensorflow; this is not for them.
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        import umap  # type: ignore[import-untyped]  # it has no types
    return umap
