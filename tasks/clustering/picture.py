"""A picture of clusters and their labels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_POINTS = 50_000
_MOST_LABELS = 25
_LONGEST_LABEL = 36
_NOISE = "#c9ced6"
_INK = "#1f2933"


def draw_clusters(points: pl.DataFrame, file: Path) -> None:
    """Draw rows with `projection`, `cluster_label` and `summary_label` to a PNG file.

    The first two numbers of a projection are its place. Of many rows every so-manieth is drawn, and
    the largest clusters are labelled.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    placed = _placed(points)
    figure = Figure(figsize=(12, 8), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_title(_title(placed), loc="left", color=_INK, fontsize=14, pad=12)
    _draw_points(axes, placed)
    _draw_labels(axes, placed)
    with warnings.catch_warnings():
        # A label in a script that the font lacks is drawn as boxes; the dataset holds it whole.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        figure.savefig(file, format="png")


def _placed(points: pl.DataFrame) -> pl.DataFrame:
    place = pl.col("projection").cast(pl.List(pl.Float64), strict=False)
    label = pl.col("summary_label")
    if isinstance(points.schema["summary_label"], pl.List):
        label = label.list.join(", ")
    return points.select(
        pl.col("cluster_label").cast(pl.Int64).alias("cluster"),
        place.list.get(0, null_on_oob=True).alias("x"),
        place.list.get(1, null_on_oob=True).alias("y"),
        label.alias("label"),
    ).filter(pl.col("x").is_finite(), pl.col("y").is_finite())


def _title(placed: pl.DataFrame) -> str:
    clusters = placed.filter(pl.col("cluster") >= 0)["cluster"].n_unique()
    noise = placed.filter(pl.col("cluster") < 0).height
    return f"{clusters:,} clusters of {placed.height:,} texts, {noise:,} of them noise"


def _draw_points(axes: Axes, placed: pl.DataFrame) -> None:
    shown = placed.gather_every(max(1, -(-placed.height // _MOST_POINTS)))
    size = max(3.0, min(36.0, 20_000 / max(1, shown.height)))
    noise = shown.filter(pl.col("cluster") < 0)
    axes.scatter(noise["x"], noise["y"], s=size * 0.6, c=_NOISE, linewidths=0)
    clustered = shown.filter(pl.col("cluster") >= 0)
    colours = [_colour(cluster) for cluster in clustered["cluster"]]
    axes.scatter(clustered["x"], clustered["y"], s=size, c=colours, alpha=0.75, linewidths=0)


def _draw_labels(axes: Axes, placed: pl.DataFrame) -> None:
    largest = (
        placed.filter(pl.col("cluster") >= 0)
        .group_by("cluster")
        .agg(pl.len(), pl.col("x", "y").median(), pl.col("label").first())
        .sort("len", "cluster", descending=[True, False])
        .head(_MOST_LABELS)
    )
    for row in largest.iter_rows(named=True):
        label = " ".join(row["label"].split())
        short = label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}\u2026"
        box: dict[str, Any] = {
            "boxstyle": "round,pad=0.35",
            "facecolor": "white",
            "edgecolor": _colour(row["cluster"]),
            "alpha": 0.9,
        }
        axes.text(
            row["x"],
            row["y"],
            short,
            ha="center",
            va="center",
            fontsize=10,
            color=_INK,
            bbox=box,
            parse_math=False,  # a label may hold a dollar sign
        )


def _colour(cluster: int) -> tuple[float, float, float]:
    """Return a colour that is far from those of the clusters numbered around it."""
    from colorsys import hls_to_rgb

    return hls_to_rgb(cluster * 0.618033988749895 % 1.0, 0.42 + 0.12 * (cluster % 3 - 1), 0.62)
