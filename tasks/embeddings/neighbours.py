"""The rows nearest to each row, of equal ones and of others."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl

from tasks.clustering.points import Matrix
from tasks.embeddings.faiss_index import FaissIndex

NOBODY = pl.DataFrame(schema={"nn_indices": pl.List(pl.Int64), "nn_scores": pl.List(pl.Float32)})
"""The neighbours in a dataset without rows."""

_SPARE = 3
"""Hits taken beyond those needed: which of equally near ones faiss finds depends on rounding."""


def neighbours(index: FaissIndex, k: int, batch: int) -> pl.DataFrame:
    """Return for each vector of an index the `k` nearest others: `nn_indices` and `nn_scores`.

    Equal vectors form a group, which is searched for once. Left to itself the index would choose
    among them as it likes, and the one that was searched for need not be among its choices.
    """
    rows = pl.DataFrame({"group": _groups(index.vectors)}).with_row_index("row")
    near = _near_groups(index, rows, min(k + 1 + _SPARE, rows.height), batch)
    few = rows.filter(pl.int_range(pl.len()).over("group") <= k)
    lists = (
        near.join(few, left_on="near", right_on="group", maintain_order="left_right")
        .group_by("group", maintain_order=True)
        .agg(pl.col("row", "score").head(k + 1))
    )
    listed = (
        rows.rename({"row": "own"})
        .join(lists, on="group", maintain_order="left")
        .explode("row", "score")
        .filter(pl.col("row") != pl.col("own"))
        .group_by("own", maintain_order=True)
        .agg(nn_indices=pl.col("row").head(k), nn_scores=pl.col("score").head(k))
    )
    return (
        rows.join(listed, left_on="row", right_on="own", how="left", maintain_order="left")
        .select("nn_indices", "nn_scores")
        .with_columns(pl.all().fill_null(pl.lit([])))
        .cast(NOBODY.schema)
    )


def _near_groups(index: FaissIndex, rows: pl.DataFrame, count: int, batch: int) -> pl.DataFrame:
    """Return for each group the groups near it, itself among them, the nearest first."""
    import numpy as np

    firsts = rows.unique("group", keep="first", maintain_order=True)["row"].to_numpy()
    hits = index.search(index.vectors[firsts], count, batch)
    groups, numbers = np.arange(len(firsts)), hits.numbers.ravel()
    found = numbers >= 0
    others = pl.DataFrame(
        {
            "group": np.repeat(groups, count)[found],
            "near": rows["group"].to_numpy()[numbers[found]],
            "score": hits.scores.ravel()[found],
        }
    ).filter(pl.col("group") != pl.col("near"))
    own = pl.DataFrame({"group": groups, "near": groups, "score": index.own_scores()[firsts]})
    ascending = index.metric == "l2"
    return pl.concat([own, others.unique(["group", "near"])]).sort(
        "group", "score", "near", descending=[False, not ascending, False]
    )


def _groups(vectors: Matrix) -> list[int]:
    """Number the different vectors by their first row, and return the number of each row."""
    import numpy as np

    numbers: dict[bytes, int] = {}
    zero = np.float32(0)  # added, it makes -0.0, which is equal but written otherwise, 0.0
    return [numbers.setdefault(blake2b(row + zero).digest(), len(numbers)) for row in vectors]
