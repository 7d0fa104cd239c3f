"""Nearest neighbours: never the row itself, equal vectors included, and the same on any machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import polars as pl
import pytest

from llms.errors import ConfigurationError, MissingPackageError
from tasks import packages
from tasks.artifacts import artifacts_in
from tasks.embeddings import faiss_index
from tasks.embeddings.faiss_index import Metric
from tasks.embeddings.faiss_nearest_neighbour import FaissNearestNeighbour
from tasks.outcome import Outcome, StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

Vector = list[float]

EAST, NORTH_EAST, NORTH, WEST = [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [-1.0, 0.0]


def rows_with(*vectors: Any) -> list[Row]:
    return [{"embedding": vector} for vector in vectors]


def searched(vectors: list[Vector], **parameters: Any) -> list[Row]:
    return rows_after(applied(FaissNearestNeighbour(**parameters), rows_with(*vectors)))


def indices(vectors: list[Vector], **parameters: Any) -> list[list[int]]:
    return [row["nn_indices"] for row in searched(vectors, **parameters)]


def scores(vectors: list[Vector], **parameters: Any) -> list[list[float]]:
    return [row["nn_scores"] for row in searched(vectors, **parameters)]


def random_vectors(count: int, length: int = 16, seed: int = 0) -> list[Vector]:
    vectors: list[Vector] = np.random.default_rng(seed).normal(size=(count, length)).tolist()
    return vectors


def frame_with(vectors: Any) -> pl.DataFrame:
    """Return rows with keys that need not be made from the vectors."""
    keys = [str(number) for number in range(len(vectors))]
    column = pl.Series("embedding", np.asarray(vectors, np.float32)).arr.to_list()
    return pl.DataFrame({"_row_key": keys, "_parent_key": keys, "embedding": column})


def nearest(vectors: list[Vector], k: int, metric: Metric) -> list[list[int]]:
    """Return the neighbours as a plain comparison of all pairs finds them, equals by number."""
    matrix = np.asarray(vectors)
    if metric == "l2":
        near = -np.square(matrix[:, None] - matrix[None]).sum(axis=2)
    else:
        if metric == "cosine":
            matrix = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        near = matrix @ matrix.T
    np.fill_diagonal(near, -np.inf)
    order: list[list[int]] = np.argsort(-near.round(9), axis=1, kind="stable")[:, :k].tolist()
    return order


# Who is a neighbour.


def test_neighbours_come_nearest_first_with_their_scores() -> None:
    (first, *_) = searched([EAST, NORTH_EAST, NORTH, WEST], k=3)

    assert first["nn_indices"] == [1, 2, 3]
    assert first["nn_scores"] == pytest.approx([0.5**0.5, 0.0, -1.0], abs=1e-6)


@pytest.mark.parametrize("metric_type", ["cosine", "inner_product", "l2"])
@pytest.mark.parametrize("k", [1, 2, 7])
def test_neighbours_are_those_of_a_comparison_of_all_pairs(metric_type: Metric, k: int) -> None:
    vectors = random_vectors(200)
    vectors[50:60] = vectors[20:30]

    assert indices(vectors, k=k, metric_type=metric_type) == nearest(vectors, k, metric_type)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_row_with_exact_duplicates_is_never_its_own_neighbour(k: int) -> None:
    found = indices([EAST] * 20 + [NORTH] * 3 + [EAST] * 20, k=k)

    for number, neighbours in enumerate(found):
        assert len(neighbours) == len(set(neighbours)) == k
        assert number not in neighbours


def test_of_equal_vectors_the_earlier_rows_are_the_first_neighbours() -> None:
    assert indices([EAST, NORTH, EAST, EAST, NORTH]) == [[2], [4], [0], [0], [1]]
    assert indices([EAST, NORTH, EAST, EAST], k=2) == [[2, 3], [0, 2], [0, 3], [0, 2]]


def test_zero_and_minus_zero_are_equal() -> None:
    assert indices([[1.0, 0.0], NORTH_EAST, [1.0, -0.0]]) == [[2], [0], [0]]
    assert scores([[1.0, 0.0], NORTH_EAST, [1.0, -0.0]])[0] == [1.0]


def test_a_longer_vector_may_be_nearer_by_inner_product_than_an_equal_one() -> None:
    vectors = [EAST, EAST, [3.0, 0.0]]

    assert indices(vectors, metric_type="inner_product") == [[2], [2], [0]]
    assert indices(vectors, metric_type="cosine") == [[1], [0], [0]]


@pytest.mark.parametrize(
    ("count", "listed"),
    [
        pytest.param(1, [[]], id="one row"),
        pytest.param(2, [[1], [0]], id="two rows"),
        pytest.param(4, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]], id="as many as fit"),
    ],
)
def test_a_tiny_dataset_has_shorter_lists_and_no_minus_one(
    count: int, listed: list[list[int]]
) -> None:
    assert indices([EAST] * count, k=5) == listed


def test_an_index_that_finds_fewer_gives_shorter_lists_and_no_minus_one() -> None:
    far_apart = [[float(40 * n), 0.0] for n in range(64)]
    found = indices(far_apart, k=50, metric_type="l2", string_factory="IVF64,Flat")

    assert all(0 <= number < 64 for neighbours in found for number in neighbours)
    assert {len(neighbours) for neighbours in found} == {31}


def test_a_dataset_without_rows_has_the_columns() -> None:
    outcome = FaissNearestNeighbour().apply(keyed(rows_with(EAST)).clear(), StepContext())

    assert outcome.frame.schema["nn_indices"] == pl.List(pl.Int64)
    assert outcome.frame.schema["nn_scores"] == pl.List(pl.Float32)


# What the numbers mean.


def test_by_default_a_high_score_means_near() -> None:
    (row, *_) = searched([EAST, [2.0, 0.02], NORTH], k=2)

    assert row["nn_metric"] == "cosine"
    assert row["nn_scores"][0] > 0.9 > row["nn_scores"][1]


@pytest.mark.parametrize(
    ("metric_type", "name", "score"),
    [
        pytest.param("l2", "l2", 25.0, id="squared distance"),
        pytest.param(1, "l2", 25.0, id="as faiss numbers the distance"),
        pytest.param("inner_product", "inner_product", 24.0, id="inner product"),
        pytest.param(0, "inner_product", 24.0, id="as faiss numbers the inner product"),
        pytest.param("cosine", "cosine", 24 / 25, id="cosine"),
        pytest.param(None, "cosine", 24 / 25, id="none named, as in distilabel"),
    ],
)
def test_the_metric_says_what_scores_are(metric_type: Any, name: str, score: float) -> None:
    vectors = [[0.0, 0.0], [3.0, 4.0]] if name == "l2" else [[3.0, 4.0], [4.0, 3.0]]
    (row, _) = searched(vectors, metric_type=metric_type)

    assert row["nn_metric"] == name
    assert row["nn_scores"] == pytest.approx([score])


@pytest.mark.parametrize("vector", [[0.1, 0.2, 0.3], [1e-20, 2e-20, 0.0], [1e15, 1e15, 3e14]])
def test_a_cosine_is_never_above_one(vector: Vector) -> None:
    for row in searched([vector, vector, [2 * number for number in vector]], k=2):
        assert all(0.99999 < score <= 1 for score in row["nn_scores"])


def test_a_vector_of_zeros_is_near_to_none() -> None:
    assert scores([[0.0, 0.0], [0.0, 0.0], EAST], k=2) == [[0.0, 0.0]] * 3


def test_indices_are_numbers_of_the_rows_that_come_out() -> None:
    outcome = applied(
        FaissNearestNeighbour(), rows_with(None, EAST, NORTH, [1.0], [0.0, 2.0], [5.0, 0.1])
    )

    assert rows_after(outcome) == [
        {"embedding": vector, "nn_indices": [near], "nn_scores": [score], "nn_row": number}
        | {"nn_metric": "cosine"}
        for number, (vector, near, score) in enumerate(
            [
                (EAST, 3, pytest.approx(0.9998, abs=1e-4)),
                (NORTH, 2, 1.0),
                ([0.0, 2.0], 1, 1.0),
                ([5.0, 0.1], 0, pytest.approx(0.9998, abs=1e-4)),
            ]
        )
    ]


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        pytest.param(None, "is null", id="none"),
        pytest.param([], "is an empty list", id="empty"),
        pytest.param([1.0], "holds 1 numbers where most rows hold 2", id="too short"),
        pytest.param([1.0, None], "missing or not finite", id="a number is missing"),
        pytest.param([1.0, float("nan")], "missing or not finite", id="not a number"),
    ],
)
def test_a_row_without_a_whole_vector_is_a_rejection(vector: Any, reason: str) -> None:
    rows = rows_with(EAST, vector, NORTH)
    outcome = applied(FaissNearestNeighbour(), rows)

    assert [row["nn_indices"] for row in rows_after(outcome)] == [[1], [0]]
    (rejection,) = outcome.rejections
    assert rejection.key == keys_of(keyed(rows))[1]
    assert reason in rejection.reason


def test_fixed_size_arrays_are_vectors_too() -> None:
    frame = keyed(rows_with(EAST, NORTH)).with_columns(pl.col("embedding").list.to_array(2))

    found = FaissNearestNeighbour().apply(frame, StepContext()).frame

    assert found["nn_indices"].to_list() == [[1], [0]]


def test_a_column_without_vectors_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="lists of numbers in the column 'embedding'"):
        applied(FaissNearestNeighbour(), rows_with("east", "north"))


def test_mappings_name_the_datasets_columns() -> None:
    step = FaissNearestNeighbour(
        input_mappings={"embedding": "vector"}, output_mappings={"nn_indices": "near"}
    )
    frame = keyed([{"vector": EAST, "id": "a"}, {"vector": NORTH, "id": "b"}])
    outcome = step.apply_to_dataset(frame.lazy(), StepContext())

    assert outcome.frame["near"].to_list() == [[1], [0]]
    assert outcome.frame["id"].to_list() == ["a", "b"]
    assert "nn_indices" not in outcome.frame.columns


# Indexes.


@pytest.mark.parametrize(
    "string_factory", ["Flat", "HNSW16", "IVF8,Flat", "PQ8x4fs,RFlat", "PCA8,Flat", "SQ8"]
)
def test_any_index_of_faiss_gives_true_scores_and_never_the_row_itself(string_factory: str) -> None:
    vectors = random_vectors(300)
    vectors[100:110] = vectors[:10]
    rows = searched(vectors, k=3, string_factory=string_factory)
    unit = np.asarray(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)

    for number, row in enumerate(rows):
        assert number not in row["nn_indices"]
        true = unit[row["nn_indices"]] @ unit[number]
        np.testing.assert_allclose(row["nn_scores"], true, atol=1e-5)
        assert row["nn_scores"] == sorted(row["nn_scores"], reverse=True)
    assert [row["nn_indices"][0] for row in rows[:10]] == list(range(100, 110))


def test_many_rows_are_searched_by_codes_and_hardly_a_neighbour_is_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    frame = frame_with(random_vectors(3_000, length=32))
    exact = FaissNearestNeighbour(k=3).apply(frame, StepContext()).frame["nn_indices"]
    monkeypatch.setattr(faiss_index, "_MOST_IN_FULL", 1_000)
    coded = FaissNearestNeighbour(k=3).apply(frame, StepContext()).frame["nn_indices"]

    found = [len({*a} & {*b}) for a, b in zip(exact, coded, strict=True)]
    assert sum(found) > 0.98 * 3 * 3_000


@pytest.mark.parametrize("length", [2, 7, 30])
def test_codes_suit_vectors_of_any_length(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "_MOST_IN_FULL", 100)

    assert len(indices(random_vectors(200, length))) == 200


def test_lists_are_searched_beyond_the_first() -> None:
    vectors = random_vectors(2_000, length=8)
    found = indices(vectors, string_factory="IVF32,Flat")

    assert found == nearest(vectors, 1, "cosine")


@pytest.mark.parametrize("train_size", [None, 64, 10_000])
def test_some_vectors_may_train_the_index(train_size: int | None) -> None:
    vectors = random_vectors(300)

    assert len(indices(vectors, string_factory="IVF4,Flat", train_size=train_size)) == 300


@pytest.mark.parametrize(
    "string_factory", ["Nonsense", "PQ5", "IVF4096,Flat"], ids=["unknown", "unfit", "too few rows"]
)
def test_an_index_that_cannot_be_made_is_an_error_that_names_it(string_factory: str) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot make the index '{string_factory}'"):
        indices(random_vectors(100), string_factory=string_factory)


def test_the_index_is_an_artifact_with_the_rows_numbers(tmp_path: Path) -> None:
    with artifacts_in(tmp_path):
        searched([EAST, [3.0, 3.0], EAST], k=1)

    index = faiss.read_index(str(tmp_path / "faiss_index" / "index.faiss"))
    unit = np.asarray([[0.5**0.5, 0.5**0.5]], np.float32)
    assert index.ntotal == 3
    assert index.search(unit, 1)[1].tolist() == [[1]]
    about = json.loads((tmp_path / "faiss_index" / "metadata.json").read_text())
    assert about == {
        "step": "faiss_nearest_neighbour_0",
        "rows": 3,
        "length": 2,
        "metric_type": "cosine",
        "string_factory": "Flat",
    }


# The same again.


@pytest.mark.parametrize("string_factory", ["Flat", "IVF16,Flat", "PQ16x4fs,RFlat"])
def test_batches_do_not_change_the_result(string_factory: str) -> None:
    frame = frame_with(random_vectors(1_000, length=32))
    found = [
        FaissNearestNeighbour(
            name="search", k=4, string_factory=string_factory, search_batch_size=size
        )
        .apply(frame, StepContext())
        .frame
        for size in (1, 7, 50, 1_024)
    ]

    assert all(frame.equals(found[0]) for frame in found)


_PROGRAM = """
from tests.tasks.embeddings.test_faiss_nearest_neighbour import found_in_1_000_rows
print(found_in_1_000_rows())
"""


def found_in_1_000_rows() -> str:
    """Return what several indexes find among rows of which many are equally near."""
    vectors = np.random.default_rng(3).integers(0, 3, size=(1_000, 12))
    found: list[Outcome] = [
        FaissNearestNeighbour(k=5, string_factory=string_factory).apply(
            frame_with(vectors), StepContext()
        )
        for string_factory in ("Flat", "IVF16,Flat", "PQ6x4fs,RFlat")
    ]
    columns = [o.frame.select("nn_indices", "nn_scores") for o in found]
    return pl.concat(columns).write_json()


def test_the_number_of_threads_does_not_change_the_result() -> None:
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            cwd=Path(__file__).parents[3],
        )
        for threads in ("1", "3")
    ]
    one, three = (program.communicate(timeout=120)[0] for program in programs)
    assert one == three
    assert len(one) > 100_000


def test_parameters_that_change_no_result_are_no_part_of_the_signature() -> None:
    plain = FaissNearestNeighbour(name="search")

    assert FaissNearestNeighbour(name="search", search_batch_size=7).signature == plain.signature
    assert FaissNearestNeighbour(name="search", device="gpu").signature == plain.signature
    assert FaissNearestNeighbour(name="search", k=2).signature != plain.signature


# What cannot work.


@pytest.mark.parametrize(
    "parameters",
    [
        {"k": 0},
        {"metric_type": "hamming"},
        {"metric_type": 7},
        {"string_factory": ""},
        {"train_size": 0},
        {"search_batch_size": 0},
        {"device": "abacus"},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_work_is_told_when_the_step_is_made(
    parameters: dict[str, Any],
) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(parameters))):
        FaissNearestNeighbour(**parameters)


@pytest.mark.parametrize("device", ["gpu", -1, 0, [0, 1]], ids=str)
def test_a_gpu_that_is_not_there_is_told_before_the_first_row(device: Any) -> None:
    with pytest.raises(ConfigurationError, match="has no GPU"):
        FaissNearestNeighbour(device=device).load()


def test_no_device_is_the_cpu_as_in_distilabel() -> None:
    step = FaissNearestNeighbour(device=None)  # type: ignore[arg-type]  # as in distilabel
    step.load()
    assert step.device == "cpu"


def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "is_installed", lambda name: name != "faiss")
    with pytest.raises(MissingPackageError, match=r"pip install 'stillhouse\[faiss\]'"):
        applied(FaissNearestNeighbour(), rows_with(EAST))
