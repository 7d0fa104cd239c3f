"""Clusters: labels in the order of the rows, noise as -1, nobody harmed by a bad point."""

from __future__ import annotations

import json
from pathlib import Path

import joblib  # type: ignore[import-untyped]  # it has no types
import polars as pl
import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import packages
from tasks.artifacts import artifacts_in
from tasks.clustering.dbscan import DBSCAN
from tasks.clustering.points import Metric
from tasks.outcome import StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, rows_after


def points(*places: float) -> list[Row]:
    """Return rows with points on a line."""
    return [{"n": n, "projection": [place, 0.0]} for n, place in enumerate(places)]


def labels(step: DBSCAN, rows: list[Row]) -> list[int]:
    """Return the label of each row."""
    return [row["cluster_label"] for row in rows_after(applied(step, rows))]


def test_dense_points_share_a_label_and_lonely_ones_are_noise() -> None:
    outcome = applied(DBSCAN(min_samples=2), points(9.0, 0.0, 9.1, 0.1, 50.0))
    assert outcome.frame.schema["cluster_label"] == pl.Int64
    assert [row["cluster_label"] for row in rows_after(outcome)] == [0, 1, 0, 1, -1]


def test_with_the_defaults_a_small_dataset_is_all_noise() -> None:
    assert labels(DBSCAN(), points(*[0.0] * 29)) == [-1] * 29
    assert labels(DBSCAN(), points(*[0.0] * 30)) == [0] * 30


def test_a_wider_eps_joins_clusters() -> None:
    rows = points(0.0, 0.1, 1.0, 1.1)
    assert labels(DBSCAN(min_samples=2), rows) == [0, 0, 1, 1]
    assert labels(DBSCAN(min_samples=2, eps=1.5), rows) == [0, 0, 0, 0]


@pytest.mark.parametrize("n_jobs", [-1, 0, 1, 8])
def test_any_number_of_threads_gives_the_same_labels(n_jobs: int) -> None:
    rows = points(*[n % 7 + n / 1000 for n in range(200)])
    assert labels(DBSCAN(min_samples=3, n_jobs=n_jobs), rows) == [n % 7 for n in range(200)]


@pytest.mark.parametrize(
    "metric",
    ["euclidean", "cosine", "manhattan", "chebyshev", "canberra", "braycurtis", "correlation"],
)
def test_every_metric_takes_points_at_the_origin_and_equal_points(metric: Metric) -> None:
    assert len(labels(DBSCAN(min_samples=2, metric=metric), points(0.0, 0.0, 1.0, 1.0))) == 4


def test_a_row_without_a_point_is_rejected_and_the_others_keep_their_labels() -> None:
    good = points(0.0, 0.1, 9.0)
    bad: list[Row] = [
        {"n": 3, "projection": None},
        {"n": 4, "projection": [float("nan"), 0.0]},
        {"n": 5, "projection": [1.0]},
    ]
    outcome = applied(DBSCAN(min_samples=2), [bad[0], *good, *bad[1:]])
    assert [row["cluster_label"] for row in rows_after(outcome)] == [0, 0, -1]
    assert {rejection.row["n"]: rejection.reason for rejection in outcome.rejections} == {
        3: "the column 'projection' is null",
        4: "the column 'projection' holds a number that is missing or not finite",
        5: "the column 'projection' holds 1 numbers where most rows hold 2",
    }


def test_a_dataset_without_rows_has_a_label_column() -> None:
    outcome = DBSCAN().apply(keyed(points(1.0)).clear(), StepContext())
    assert outcome.frame.schema["cluster_label"] == pl.Int64


def test_vectors_may_come_from_another_column_and_labels_go_to_another() -> None:
    step = DBSCAN(
        min_samples=1,
        input_mappings={"projection": "vector"},
        output_mappings={"cluster_label": "topic"},
    )
    [row] = rows_after(applied(step, [{"vector": [1.0]}]))
    assert row == {"vector": [1.0], "topic": 0}


def test_fixed_size_arrays_are_vectors_too() -> None:
    frame = keyed(points(0.0, 0.1)).with_columns(pl.col("projection").list.to_array(2))
    assert DBSCAN(min_samples=2).apply(frame, StepContext()).frame["cluster_label"].to_list() == [
        0,
        0,
    ]


def test_the_model_is_an_artifact(tmp_path: Path) -> None:
    with artifacts_in(tmp_path):
        applied(DBSCAN(min_samples=2), points(0.0, 0.1, 9.0))
    model = joblib.load(tmp_path / "DBSCAN_model" / "DBSCAN.joblib")
    assert model.labels_.tolist() == [0, 0, -1]
    about = json.loads((tmp_path / "DBSCAN_model" / "metadata.json").read_text())
    assert about["min_samples"] == 2


@pytest.mark.parametrize("parameters", [{"eps": 0}, {"min_samples": 0}, {"metric": "haversine"}])
def test_a_parameter_that_cannot_work_is_told_when_the_step_is_made(
    parameters: dict[str, object],
) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(parameters))):
        DBSCAN(**parameters)  # type: ignore[arg-type]  # what a user may pass


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "sklearn")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[clustering\]'"):
        DBSCAN().load()
