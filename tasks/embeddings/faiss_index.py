"""A faiss index, and a search in it that gives the same on any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from llms.errors import ConfigurationError
from llms.weights import first_line
from tasks.clustering.points import Matrix

Metric = Literal["cosine", "inner_product", "l2"]
"""What nearness is: the cosine, the inner product, or the squared Euclidean distance."""

Device: TypeAlias = Literal["cpu", "gpu"] | int | tuple[int, ...]

_MOST_IN_FULL = 20_000
"""Vectors up to which every pair is compared in full; the time grows with the square."""

_FEWEST_CANDIDATES = 256
_CANDIDATES_FOR_EACH = 16
_LISTS_SEARCHED = 32


@dataclass(frozen=True, slots=True)
class Hits:
    """The vectors nearest to some others: their numbers, -1 where there is none, and scores."""

    numbers: Any
    scores: Any


class FaissIndex:
    """Finds the nearest of its vectors; for the cosine they must be of length one.

    Faiss rounds by the number of threads and by the rows in a call. So each call works on one
    thread, several at a time, and scores are computed anew from the two vectors alone.
    """

    def __init__(
        self,
        vectors: Matrix,
        metric: Metric,
        *,
        description: str | None = None,
        train_size: int | None = None,
        device: Device = "cpu",
    ) -> None:
        self.vectors = vectors
        self.metric = metric
        self.description = description or _usual(*vectors.shape)
        self._device = device
        with _threads(1) as pool:
            self._index = pool.submit(self._built, train_size).result()

    def search(self, rows: Matrix, count: int, batch: int) -> Hits:
        """Return the `count` vectors nearest to each of some rows, searching a batch at a time."""
        import faiss
        import numpy as np

        index: Any = self._index
        if hasattr(index, "k_factor"):
            index.k_factor = max(_CANDIDATES_FOR_EACH, _FEWEST_CANDIDATES / count)
        workers = faiss.omp_get_max_threads()
        if self._device != "cpu":
            index, workers = self._on_gpu(index), 1

        def found(start: int) -> Hits:
            part = rows[start : start + batch]
            numbers = index.search(part, count)[1]
            scores = [self._scores(row, near) for row, near in zip(part, numbers, strict=True)]
            return Hits(numbers, np.stack(scores))

        with _threads(workers) as pool:
            parts = list(pool.map(found, range(0, len(rows), batch)))
        return Hits(
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.scores for part in parts]),
        )

    def own_scores(self) -> Any:
        """Return the score of each vector with itself."""
        import numpy as np

        if self.metric == "l2":
            return np.zeros(len(self.vectors), np.float32)
        return self._bounded(np.einsum("nd,nd->n", self.vectors, self.vectors))

    def write(self, folder: Path) -> None:
        """Write the index into a folder, as `faiss.read_index` reads it."""
        import faiss

        faiss.write_index(self._index, str(folder / "index.faiss"))

    def _scores(self, row: Matrix, numbers: Any) -> Any:
        import numpy as np

        near = self.vectors[numbers]
        if self.metric == "l2":
            apart = near - row
            return np.einsum("kd,kd->k", apart, apart)
        return self._bounded(np.einsum("kd,d->k", near, row))

    def _bounded(self, scores: Any) -> Any:
        """Take back what rounding adds to a cosine."""
        return scores.clip(-1, 1) if self.metric == "cosine" else scores

    def _built(self, train_size: int | None) -> Any:
        import faiss
        import numpy as np

        count, length = self.vectors.shape
        kind = faiss.METRIC_L2 if self.metric == "l2" else faiss.METRIC_INNER_PRODUCT
        try:
            index = faiss.index_factory(length, self.description, kind)
            if not index.is_trained:
                chosen = np.linspace(0, count - 1, min(train_size or count, count)).astype(int)
                index.train(self.vectors if len(chosen) == count else self.vectors[chosen])
            index.add(self.vectors)
        except RuntimeError as error:
            raise ConfigurationError(
                f"faiss cannot make the index {self.description!r} of {count} vectors of {length} "
                f"numbers ({first_line(error)}); give another string_factory, or none."
            ) from error
        lists = faiss.try_extract_index_ivf(index)
        if lists is not None:
            lists.nprobe = min(lists.nlist, _LISTS_SEARCHED)
        return index

    def _on_gpu(self, index: Any) -> Any:
        import faiss

        if isinstance(self._device, str):
            return faiss.index_cpu_to_all_gpus(index)
        chosen = [self._device] if isinstance(self._device, int) else list(self._device)
        return faiss.index_cpu_to_gpus_list(index, gpus=chosen)


def check_device(device: Device) -> None:
    """Raise `ConfigurationError` if the installed faiss cannot work there."""
    import faiss

    if device != "cpu" and not faiss.get_num_gpus():
        raise ConfigurationError(
            f"The installed faiss has no GPU to work on, so device={device!r} cannot be had; leave "
            f"device out, or install a build of faiss for GPUs."
        )


def _usual(count: int, length: int) -> str:
    """Return the index for so many vectors: beyond some, codes choose the pairs to compare."""
    if count <= _MOST_IN_FULL:
        return "Flat"
    codes = length if length % 2 else length // 2
    return f"PQ{codes}x4fs,RFlat"


def _threads(count: int) -> ThreadPoolExecutor:
    """Return threads in each of which faiss works alone."""
    import faiss

    return ThreadPoolExecutor(count, initializer=lambda: faiss.omp_set_num_threads(1))
