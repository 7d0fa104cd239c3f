"""Projections: the same for the same rows, whole for small and odd datasets."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]  # it has no types
import numpy as np
import polars as pl
import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import packages
from tasks.artifacts import artifacts_in
from tasks.clustering.points import Metric
from tasks.clustering.umap import UMAP
from tasks.outcome import StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, rows_after


def groups(rows: int, groups: int = 3) -> list[Row]:
    """Return rows whose vectors lie in groups far apart."""
    draw = random.Random(7)
    return [
        {"n": n, "embedding": [10.0 * (n % groups) + draw.gauss(0, 0.1) for _ in range(6)]}
        for n in range(rows)
    ]


def places(rows: list[Row], step: UMAP) -> dict[Any, list[float]]:
    """Return the projection of each row by its number."""
    return {row["n"]: row["projection"] for row in rows_after(applied(step, rows))}


def test_the_projection_is_a_plain_list_of_floats_and_other_columns_stay() -> None:
    outcome = applied(UMAP(n_components=3), groups(20))
    assert outcome.frame.schema["projection"] == pl.List(pl.Float64)
    rows = rows_after(outcome)
    assert [row["n"] for row in rows] == list(range(20))
    assert all(len(row["projection"]) == 3 for row in rows)
    assert all(isinstance(number, float) for row in rows for number in row["projection"])


def test_the_same_rows_get_the_same_projection_in_any_order_by_default() -> None:
    rows = groups(40)
    first = places(rows, UMAP())
    np.random.seed(5)  # what others do with numpy's own generator
    assert places(rows[::-1], UMAP()) == first
    assert places(rows, UMAP(random_state=1)) != first


def test_groups_stay_groups() -> None:
    found = places(groups(60), UMAP())
    for n in range(3, 60):
        distances = [math.dist(found[n], found[other]) for other in range(3)]
        assert min(range(3), key=distances.__getitem__) == n % 3


def test_without_a_seed_threads_may_be_used_and_more_than_the_cores_is_no_error() -> None:
    assert len(places(groups(20), UMAP(random_state=None, n_jobs=64))) == 20


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "canberra", "correlation"])
@pytest.mark.parametrize("n_components", [2, 5])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 6, 15, 16, 17])
def test_datasets_smaller_than_a_neighbourhood_are_projected_whole(
    rows: int, n_components: int, metric: Metric
) -> None:
    step = UMAP(n_components=n_components, metric=metric)
    outcome = applied(step, groups(rows, groups=2))
    assert not outcome.rejections
    made = [row["projection"] for row in rows_after(outcome)]
    assert [len(projection) for projection in made] == [n_components] * rows
    assert all(math.isfinite(number) for projection in made for number in projection)


def test_equal_vectors_get_the_same_place() -> None:
    alike = [{"n": n, "embedding": [1.0, 2.0]} for n in range(30)]
    assert set(map(tuple, places(alike, UMAP()).values())) == {(0.0, 0.0)}
    found = places([*groups(20), {**groups(20)[4], "n": 99}], UMAP())
    assert found[99] == found[4]


def test_opposite_vectors_have_places_too() -> None:
    rows = [{"n": n, "embedding": [float(sign), 0.0]} for n, sign in enumerate((1, -1, 2))]
    found = places(rows, UMAP(metric="cosine"))
    assert all(math.isfinite(number) for place in found.values() for number in place)


def test_a_dataset_without_rows_has_a_projection_column() -> None:
    empty = keyed(groups(2)).clear()
    outcome = UMAP().apply(empty, StepContext())
    assert outcome.frame.height == 0
    assert outcome.frame.schema["projection"] == pl.List(pl.Float64)


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (None, "the column 'embedding' is null"),
        ([], "the column 'embedding' is an empty list"),
        ([1.0, None, 1.0, 1.0, 1.0, 1.0], "holds a number that is missing or not finite"),
        ([1.0, float("nan"), 1.0, 1.0, 1.0, 1.0], "holds a number that is missing or not finite"),
        ([1e300, 1.0, 1.0, 1.0, 1.0, 1.0], "holds a number that is missing or not finite"),
        ([1.0, 2.0], "holds 2 numbers where most rows hold 6"),
    ],
    ids=["null", "empty", "null-inside", "nan", "too-large", "short"],
)
def test_a_row_without_a_usable_vector_is_rejected_and_changes_nothing_for_the_others(
    vector: Any, reason: str
) -> None:
    rows = groups(12)
    outcome = applied(UMAP(), [*rows[:5], {"n": 99, "embedding": vector}, *rows[5:]])
    [rejection] = outcome.rejections
    assert rejection.reason.endswith(reason)
    assert rejection.row["n"] == 99
    assert {row["n"]: row["projection"] for row in rows_after(outcome)} == places(rows, UMAP())


def test_a_dataset_without_any_vector_is_all_rejections() -> None:
    outcome = applied(UMAP(), [{"embedding": None}, {"embedding": None}])
    assert [rejection.reason for rejection in outcome.rejections] == [
        "the column 'embedding' is null"
    ] * 2
    assert outcome.frame.schema["projection"] == pl.List(pl.Float64)


def test_text_for_vectors_is_told_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match=r"^Step 'umap_0' needs lists of numbers in the"):
        applied(UMAP(), [{"embedding": "[1, 2]"}])


def test_the_model_is_an_artifact_that_projects_further_vectors(tmp_path: Path) -> None:
    with artifacts_in(tmp_path):
        applied(UMAP(), groups(30))
    model = joblib.load(tmp_path / "UMAP_model" / "UMAP.joblib")
    assert model.transform(np.ones((2, 6), np.float32)).shape == (2, 2)
    saved = (tmp_path / "UMAP_model" / "UMAP.joblib").read_bytes()
    assert b"_rebuild_reduction" not in saved  # numba's, with an id drawn anew in each process
    about = json.loads((tmp_path / "UMAP_model" / "metadata.json").read_text())
    assert about["rows"] == 30
    assert about["random_state"] == 0


def test_threads_are_no_part_of_the_signature_and_the_seed_is() -> None:
    assert UMAP(n_jobs=1).signature == UMAP(n_jobs=8).signature
    assert UMAP().signature != UMAP(random_state=None).signature


def test_an_unknown_metric_is_told_when_the_step_is_made() -> None:
    with pytest.raises(ConfigurationError, match="metric"):
        UMAP(metric="euclid")  # type: ignore[arg-type]  # what a user may pass


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "umap")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[clustering\]'"):
        UMAP().load()


def test_importing_the_step_imports_none_of_the_heavy_packages() -> None:
    script = (
        "import sys, tasks.clustering.umap, tasks.clustering.dbscan\n"
        "print([name for name in ('umap', 'numba', 'sklearn', 'joblib') if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
