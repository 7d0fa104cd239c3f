"""Embedding dedup: exactly one of a group of near rows stays, and near is never taken for far."""

from __future__ import annotations

from random import Random
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks.embeddings.faiss_nearest_neighbour import FaissNearestNeighbour
from tasks.filtering.embedding_dedup import EmbeddingDedup
from tasks.outcome import StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

KEEP = "keep_row_after_embedding_filtering"

NEAR, FAR = 0.95, 0.5


def rows(*neighbours: dict[int, float], **columns: Any) -> list[Row]:
    """Return rows by their neighbours' numbers and scores."""
    return [{"nn_indices": [*n], "nn_scores": [*n.values()], **columns} for n in neighbours]


def kept(rows: list[Row], **parameters: Any) -> list[bool]:
    step = EmbeddingDedup(**{"metric_type": "cosine", **parameters})
    return [row[KEEP] for row in rows_after(applied(step, rows))]


def searched(vectors: list[list[float]], **parameters: Any) -> list[Row]:
    search = FaissNearestNeighbour(**parameters)
    return rows_after(applied(search, [{"embedding": vector} for vector in vectors]))


# Who stays.


def test_of_a_mutual_pair_the_first_row_stays_and_the_second_goes() -> None:
    assert kept(rows({1: NEAR}, {0: NEAR})) == [True, False]


def test_rows_far_from_each_other_all_stay() -> None:
    assert kept(rows({1: FAR}, {0: FAR}, {0: FAR})) == [True] * 3


def test_a_score_equal_to_the_threshold_is_not_near() -> None:
    assert kept(rows({1: 0.75}, {0: 0.75}), threshold=0.75) == [True, True]
    assert kept(rows({1: 0.75}, {0: 0.75}), threshold=0.7499) == [True, False]


def test_being_near_goes_both_ways_whoever_lists_the_other() -> None:
    assert kept(rows({}, {0: NEAR})) == [True, False]
    assert kept(rows({1: NEAR}, {})) == [True, False]


def test_of_a_chain_the_ends_stay_as_they_are_not_near_each_other() -> None:
    assert kept(rows({1: NEAR, 2: FAR}, {0: NEAR, 2: NEAR}, {1: NEAR, 0: FAR})) == [
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_dropped_row_is_near_a_kept_one_and_no_two_kept_rows_are_near(seed: int) -> None:
    random = Random(seed)
    count = random.randrange(2, 40)
    pairs = [(a, b) for a in range(count) for b in range(a) if random.random() < 0.1]
    lists: list[dict[int, float]] = [{} for _ in range(count)]
    for a, b in pairs:
        lists[a][b] = lists[b][a] = NEAR
    keep = kept(rows(*lists))

    assert keep[0]
    for later, earlier in pairs:
        assert not (keep[later] and keep[earlier])
    for number, stays in enumerate(keep):
        assert stays or any(keep[other] for other in lists[number] if other < number)


@pytest.mark.parametrize("k", [1, 3])
def test_of_any_number_of_equal_vectors_the_first_stays_alone(k: int) -> None:
    found = searched([[1.0, 0.0]] * 9 + [[0.0, 1.0]] * 2 + [[1.0, 0.0]], k=k)

    assert kept(found) == [True] + [False] * 8 + [True, False, False]


def test_with_k_as_large_as_the_group_one_of_similar_rows_stays() -> None:
    group = [[1.0, 0.01 * number] for number in range(5)]
    found = searched([*group, [0.0, 1.0], *group], k=9)

    assert kept(found) == [True] + [False] * 4 + [True] + [False] * 5


# What scores mean.


def test_by_default_neighbours_of_the_search_are_told_near_from_far() -> None:
    found = searched([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [-1.0, 0.0]])

    assert kept(found, metric_type=None) == [True, False, True, True]


def test_a_high_distance_is_far_and_a_low_one_near() -> None:
    found = searched([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [-1.0, 0.0]], metric_type="l2")

    assert kept(found, metric_type=None, threshold=0.1) == [True, False, True, True]
    assert kept(rows({1: 2.0}, {0: 2.0}), metric_type="l2", threshold=0.9) == [True, True]


def test_distances_without_a_threshold_are_an_error() -> None:
    found = searched([[1.0, 0.0], [0.0, 1.0]], metric_type="l2")

    with pytest.raises(ConfigurationError, match=r"is given distances.*set threshold"):
        kept(found, metric_type=None)
    with pytest.raises(ConfigurationError, match=r"is given distances.*set threshold"):
        EmbeddingDedup(metric_type="l2")


def test_scores_that_nobody_explains_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"near or far.*set metric_type"):
        kept(rows({1: NEAR}, {0: NEAR}), metric_type=None)


@pytest.mark.parametrize(
    ("columns", "parameters", "message"),
    [
        ({"nn_metric": "l2"}, {"threshold": 0.5}, r"several kinds \(cosine, l2\)"),
        ({"nn_metric": "hamming"}, {"metric_type": None}, "does not know the scores 'hamming'"),
    ],
    ids=["another metric", "an unknown metric"],
)
def test_scores_of_another_kind_than_said_are_an_error(
    columns: Row, parameters: Row, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kept(rows({1: NEAR}, {0: NEAR}, **columns), **parameters)


def test_scores_of_two_kinds_together_are_an_error() -> None:
    mixed = rows({1: NEAR}, nn_metric="cosine") + rows({0: NEAR}, nn_metric="inner_product")

    with pytest.raises(ConfigurationError, match="several kinds"):
        kept(mixed, metric_type=None)


# Rows that are no longer all there.


def test_numbers_stay_right_when_rows_are_dropped_after_the_search() -> None:
    found = searched([[0.0, 1.0], [1.0, 0.0], [5.0, 0.0], [0.0, 3.0]])

    assert kept(found[1:]) == [True, False, True]


def test_numbers_that_mean_several_rows_are_an_error() -> None:
    found = searched([[1.0, 0.0], [0.0, 1.0]])

    with pytest.raises(ConfigurationError, match="Rows of several searches are together"):
        kept(found + found)


def test_a_neighbour_that_does_not_exist_does_not_count() -> None:
    assert kept(rows({7: NEAR}, {0: FAR}), metric_type="cosine") == [True, True]


def test_a_row_that_lists_itself_does_not_drop_itself() -> None:
    assert kept(rows({0: 1.0}, {0: FAR})) == [True, True]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param({"nn_indices": None, "nn_scores": None}, "'nn_indices' is null", id="none"),
        pytest.param({"nn_indices": [0], "nn_scores": None}, "not one score", id="no scores"),
        pytest.param({"nn_indices": [0], "nn_scores": [1.0, 1.0]}, "not one score", id="too many"),
    ],
)
def test_a_row_without_neighbours_or_scores_is_a_rejection(bad: Row, reason: str) -> None:
    given = [*rows({2: NEAR}), bad, *rows({0: NEAR})]
    outcome = applied(EmbeddingDedup(metric_type="cosine"), given)

    assert [row[KEEP] for row in rows_after(outcome)] == [True, False]
    (rejection,) = outcome.rejections
    assert rejection.key == keys_of(keyed(given))[1]
    assert reason in rejection.reason


def test_other_columns_of_any_name_are_left_alone() -> None:
    given = rows({1: NEAR}, {0: NEAR}, place="here", other="there")
    made = rows_after(applied(EmbeddingDedup(metric_type="cosine"), given))

    assert [(row["place"], row["other"], row[KEEP]) for row in made] == [
        ("here", "there", True),
        ("here", "there", False),
    ]


def test_a_dataset_without_rows_has_the_mark() -> None:
    frame = keyed(rows({1: NEAR})).clear()

    outcome = EmbeddingDedup().apply(frame, StepContext())

    assert outcome.frame.schema[KEEP] == pl.Boolean


def test_mappings_name_the_datasets_columns() -> None:
    frame = keyed([{"near": [1], "how": [NEAR], "id": 1}, {"near": [0], "how": [NEAR], "id": 2}])
    step = EmbeddingDedup(
        metric_type="cosine",
        input_mappings={"nn_indices": "near", "nn_scores": "how"},
        output_mappings={KEEP: "keep"},
    )
    outcome = step.apply_to_dataset(frame.lazy(), StepContext())

    assert outcome.frame.select("id", "keep").rows() == [(1, True), (2, False)]


def test_a_distance_threshold_survives_the_file_of_the_pipeline() -> None:
    step = EmbeddingDedup(metric_type="l2", threshold=0.9)
    written = step.model_dump(mode="json", exclude_unset=True, exclude={"name", "pipeline"})
    assert EmbeddingDedup(**written).signature == step.signature
