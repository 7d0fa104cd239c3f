"""DEITA filtering: the best rows, each far from the better ones chosen; nobody lost unaccounted."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks.filtering.deita_filtering import DeitaFiltering
from tasks.outcome import Accounts, StepContext
from tasks.row import Row
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

EAST, NEARLY_EAST, NORTH, WEST = [1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [-1.0, 0.0]


def row(
    embedding: Any, instruction: float | None = 1.0, response: float | None = 1.0, **others: Any
) -> Row:
    return {
        "evol_instruction_score": instruction,
        "evol_response_score": response,
        "embedding": embedding,
        **others,
    }


def chosen(rows: list[Row], **parameters: Any) -> list[Row]:
    step = DeitaFiltering(**{"data_budget": 100, **parameters})
    return rows_after(applied(step, rows))


def ids(rows: list[Row], **parameters: Any) -> list[int]:
    numbered = [{**row, "id": number} for number, row in enumerate(rows)]
    return [row["id"] for row in chosen(numbered, **parameters)]


def random_rows(count: int, length: int = 8) -> list[Row]:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, length)).tolist()
    scores = random.integers(1, 6, size=(count, 2)).tolist()
    return [row(vector, *map(float, pair)) for vector, pair in zip(vectors, scores, strict=True)]


def as_in_the_paper(
    rows: list[Row], budget: int, threshold: float, metric: str = "cosine"
) -> list[int]:
    """Choose one row after another, comparing each with all chosen before."""
    vectors = np.asarray([row["embedding"] for row in rows])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = [row["evol_instruction_score"] * row["evol_response_score"] for row in rows]
    taken: list[int] = []
    for number in sorted(range(len(rows)), key=lambda number: (-scores[number], number)):
        others = vectors[taken]
        if metric == "cosine":
            distances = 1 - others @ vectors[number]
        else:
            distances = np.abs(others - vectors[number]).sum(axis=1)
        if (distances >= threshold).all():
            taken.append(number)
        if len(taken) == budget:
            break
    return sorted(taken)


# Who is chosen.


def test_of_two_near_rows_the_better_one_stays() -> None:
    rows = [row(EAST, 2.0), row(NEARLY_EAST, 5.0), row(NORTH, 1.0)]

    assert ids(rows) == [1, 2]


def test_of_two_equal_rows_with_equal_scores_the_first_stays() -> None:
    assert ids([row(EAST), row(NORTH), row(EAST)]) == [0, 1]


def test_a_row_near_to_one_that_was_not_chosen_is_chosen() -> None:
    chain = [row([1.0, 0.0], 5.0), row([1.0, 0.4], 4.0), row([1.0, 0.9], 3.0)]

    assert ids(chain, diversity_threshold=0.12) == [0, 2]


def test_the_budget_goes_to_the_best_rows() -> None:
    rows = [row(EAST, 1.0), row(NORTH, 4.0), row(WEST, 3.0), row([0.0, -1.0], 2.0)]

    assert ids(rows, data_budget=2) == [1, 2]


@pytest.mark.parametrize("distance_metric", ["cosine", "manhattan"])
@pytest.mark.parametrize("budget", [1, 40, 300, 700, 10_000])
def test_the_choice_is_that_of_the_papers_algorithm(budget: int, distance_metric: str) -> None:
    rows = random_rows(1_000)
    threshold = 0.15 if distance_metric == "cosine" else 1.0

    found = ids(
        rows,
        data_budget=budget,
        diversity_threshold=threshold,
        distance_metric=distance_metric,
    )

    assert found == as_in_the_paper(rows, budget, threshold, distance_metric)
    assert len(found) < 900


def test_no_two_chosen_rows_are_nearer_than_the_threshold() -> None:
    for found in chosen(random_rows(600), diversity_threshold=0.2):
        assert found["nearest_neighbor_distance"] >= 0.2


def test_a_threshold_of_zero_leaves_all_rows() -> None:
    assert ids([row(EAST)] * 5, diversity_threshold=0) == [0, 1, 2, 3, 4]


def test_by_default_texts_that_differ_are_all_far_enough() -> None:
    assert ids([row(EAST), row([1.0, 0.6]), row(NORTH)]) == [0, 1, 2]


def test_rows_come_in_the_order_of_the_dataset_with_all_their_columns() -> None:
    rows = [row(EAST, 1.0, text="a"), row(NORTH, 5.0, text="b")]

    assert [(made["text"], made["deita_score"]) for made in chosen(rows)] == [
        ("a", 1.0),
        ("b", 5.0),
    ]


def test_rows_not_chosen_are_filtered_and_the_books_balance() -> None:
    rows = [row(EAST), row(EAST), row(NORTH), row(None), row(WEST)]
    outcome = applied(DeitaFiltering(data_budget=2), rows)
    frame = keyed(rows)

    assert outcome.accounts(keys_of(frame)) == Accounts(
        rows_in=5, rows_out=2, rejected=1, filtered=2
    )
    assert keys_of(outcome.frame) == [keys_of(frame)[0], keys_of(frame)[2]]


# Scores.


@pytest.mark.parametrize(
    ("instruction", "response", "score", "computed_with"),
    [
        pytest.param(2.0, 3.0, 6.0, ["evol_instruction_score", "evol_response_score"], id="both"),
        pytest.param(2.0, None, 2.0, ["evol_instruction_score"], id="the instruction's"),
        pytest.param(None, 3.0, 3.0, ["evol_response_score"], id="the response's"),
        pytest.param(None, None, 0.0, [], id="none"),
        pytest.param(0.0, 3.0, 0.0, ["evol_instruction_score", "evol_response_score"], id="zero"),
    ],
)
def test_the_score_is_the_product_of_those_that_are_there(
    instruction: float | None, response: float | None, score: float, computed_with: list[str]
) -> None:
    (made, _) = chosen([row(EAST, instruction, response), row(NORTH, 1.0, 1.0)])

    assert made["deita_score"] == score
    assert made["deita_score_computed_with"] == computed_with


def test_scores_may_be_whole_numbers_or_all_missing() -> None:
    rows = [row(EAST, 2, None), row(NORTH, 3, None)]

    assert [made["deita_score"] for made in chosen(rows)] == [2.0, 3.0]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_not_finite_is_a_rejection(score: float) -> None:
    outcome = applied(DeitaFiltering(data_budget=5), [row(EAST), row(NORTH, 1.0, score)])

    assert len(rows_after(outcome)) == 1
    (rejection,) = outcome.rejections
    assert rejection.reason == "the column 'evol_response_score' holds no finite number"


# Distances.


def test_the_distance_is_that_to_the_nearest_other_row_chosen() -> None:
    rows = [row(EAST, 9.0), row(EAST, 1.0), row(NORTH, 1.0), row([-1.0, 1.0], 1.0)]

    found = [made["nearest_neighbor_distance"] for made in chosen(rows)]

    assert found == pytest.approx([1.0, 1 - 0.5**0.5, 1 - 0.5**0.5])


def test_a_single_row_has_no_nearest_one() -> None:
    (made,) = chosen([row(EAST)])

    assert made["nearest_neighbor_distance"] is None


@pytest.mark.parametrize("normalize_embeddings", [True, False])
def test_a_cosine_distance_does_not_depend_on_lengths(normalize_embeddings: bool) -> None:
    rows = [row(EAST), row([100.0, 1.0]), row([0.0, 0.001])]

    assert ids(rows, normalize_embeddings=normalize_embeddings) == [0, 2]


def test_a_manhattan_distance_depends_on_lengths_unless_they_are_made_equal() -> None:
    rows = [row([1.0, 0.0]), row([3.0, 0.0]), row([3.0, 0.5])]
    manhattan = {"distance_metric": "manhattan", "diversity_threshold": 1.0}

    assert ids(rows, normalize_embeddings=False, **manhattan) == [0, 1]
    assert ids(rows, normalize_embeddings=True, **manhattan) == [0]


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        pytest.param(None, "is null", id="none"),
        pytest.param([], "is an empty list", id="empty"),
        pytest.param([1.0, 0.0, 0.0], "holds 3 numbers where most rows hold 2", id="too long"),
        pytest.param([float("inf"), 0.0], "missing or not finite", id="not finite"),
    ],
)
def test_a_row_without_a_whole_vector_is_a_rejection(vector: Any, reason: str) -> None:
    outcome = applied(DeitaFiltering(data_budget=5), [row(EAST), row(vector), row(NORTH)])

    assert len(rows_after(outcome)) == 2
    assert reason in outcome.rejections[0].reason


def test_a_dataset_without_rows_has_the_columns() -> None:
    outcome = DeitaFiltering(data_budget=1).apply(keyed([row(EAST)]).clear(), StepContext())

    assert outcome.frame.height == 0
    assert outcome.frame.schema["nearest_neighbor_distance"] == pl.Float64
    assert outcome.frame.schema["deita_score_computed_with"] == pl.List(pl.String)


def test_a_dataset_of_rejections_only_is_empty() -> None:
    outcome = applied(DeitaFiltering(data_budget=1), [row(None), row([])])

    assert (outcome.frame.height, len(outcome.rejections)) == (0, 2)


# Parameters.


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"data_budget": None},
        {"data_budget": 0},
        {"data_budget": 5, "diversity_threshold": -0.1},
        {"data_budget": 5, "distance_metric": "euclidean"},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_work_is_told_when_the_step_is_made(
    parameters: dict[str, Any],
) -> None:
    wrong = [*parameters][-1] if parameters else "data_budget"
    with pytest.raises(ConfigurationError, match=wrong):
        DeitaFiltering(**parameters)


def test_mappings_name_the_datasets_columns() -> None:
    frame = keyed(
        [
            {"complexity": 2.0, "evol_response_score": 1.0, "vector": EAST, "id": 1},
            {"complexity": 3.0, "evol_response_score": 1.0, "vector": EAST, "id": 2},
        ]
    )
    step = DeitaFiltering(
        data_budget=2,
        input_mappings={"evol_instruction_score": "complexity", "embedding": "vector"},
        output_mappings={"deita_score": "score"},
    )
    outcome = step.apply_to_dataset(frame.lazy(), StepContext())

    assert outcome.frame.select("id", "complexity", "score").rows() == [(2, 3.0, 3.0)]
