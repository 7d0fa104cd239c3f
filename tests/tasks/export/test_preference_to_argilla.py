"""Several generations of an instruction on Argilla, with ratings as suggestions."""

from __future__ import annotations

from typing import Any

import pytest

from llms.errors import ConfigurationError
from tasks.export.preference_to_argilla import PreferenceToArgilla
from tasks.row import Row
from tests.argilla import FakeArgilla
from tests.argilla.server import Item
from tests.tasks.conftest import applied, rows_after

ROW: Row = {"instruction": "Say hi.", "generations": ["Hi!", "No."]}


def step(**parameters: Any) -> PreferenceToArgilla:
    return PreferenceToArgilla(**{"dataset_name": "pairs", "num_generations": 2, **parameters})


def only_record(argilla: FakeArgilla) -> Item:
    [record] = argilla.named("pairs").records.values()
    return record


def suggestions(argilla: FakeArgilla) -> dict[str, Any]:
    """Return what annotators are shown first, by question."""
    return {item["question_name"]: item["value"] for item in only_record(argilla)["suggestions"]}


def test_each_generation_has_a_field_a_rating_and_a_rationale(argilla: FakeArgilla) -> None:
    assert rows_after(applied(step(), [ROW])) == [ROW]
    dataset = argilla.named("pairs")
    assert {item["name"]: item["required"] for item in dataset.fields} == {
        "id": True,
        "instruction": True,
        "generation-0": True,
        "generation-1": False,
    }
    assert {item["name"]: item["settings"]["type"] for item in dataset.questions} == {
        "generation-0-rating": "rating",
        "generation-0-rationale": "text",
        "generation-1-rating": "rating",
        "generation-1-rationale": "text",
    }
    fields = only_record(argilla)["fields"]
    assert (fields["generation-0"], fields["generation-1"]) == ("Hi!", "No.")


def test_ratings_and_rationales_are_suggestions(argilla: FakeArgilla) -> None:
    applied(step(), [{**ROW, "ratings": [5, 1], "rationales": ["Polite.", "Rude."]}])
    assert suggestions(argilla) == {
        "generation-0-rating": 5,
        "generation-0-rationale": "Polite.",
        "generation-1-rating": 1,
        "generation-1-rationale": "Rude.",
    }


@pytest.mark.parametrize(
    ("ratings", "shown"),
    [
        ([4.0, 5.0], {"generation-0-rating": 4, "generation-1-rating": 5}),
        ([4.5, 5.0], {"generation-1-rating": 5}),
        ([None, 2], {"generation-1-rating": 2}),
        ([0, 10], {}),
        (None, {}),
    ],
    ids=["whole", "half", "null", "out-of-range", "no-ratings"],
)
def test_a_rating_that_is_no_whole_number_from_1_to_5_is_no_suggestion(
    ratings: list[Any] | None, shown: dict[str, int], argilla: FakeArgilla
) -> None:
    row = {**ROW, "ratings": ratings, "rationales": [None, " "]}
    assert not applied(step(), [row]).rejections
    assert suggestions(argilla) == shown


def test_a_new_rating_updates_the_record_of_the_same_generations(argilla: FakeArgilla) -> None:
    applied(step(), [{**ROW, "ratings": [5, 1]}])
    first = only_record(argilla)["id"]
    applied(step(), [{**ROW, "ratings": [2, 1]}])
    assert suggestions(argilla)["generation-0-rating"] == 2
    assert only_record(argilla)["id"] == first


def test_fewer_generations_than_fields_leave_fields_empty(argilla: FakeArgilla) -> None:
    applied(step(num_generations=3), [ROW])
    assert "generation-2" not in only_record(argilla)["fields"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"instruction": None}, "the column 'instruction' is null"),
        ({"generations": None}, "the column 'generations' holds no list with one text or more"),
        ({"generations": []}, "the column 'generations' holds no list with one text or more"),
        ({"generations": ["a", None]}, "generation 2 is null"),
        ({"generations": ["a", "b", "c"]}, "there are 3 generations, and num_generations is 2"),
        ({"ratings": [1]}, "there are 1 ratings for 2 generations"),
        ({"rationales": ["a", "b", "c"]}, "there are 3 rationales for 2 generations"),
    ],
    ids=["no-instruction", "null", "none", "null-inside", "too-many", "ratings", "rationales"],
)
def test_one_bad_row_is_rejected_and_the_upload_goes_on(
    values: Row, reason: str, argilla: FakeArgilla
) -> None:
    outcome = applied(step(), [{**ROW, **values}, ROW])
    assert [rejection.reason for rejection in outcome.rejections] == [reason]
    assert only_record(argilla)["fields"]["instruction"] == "Say hi."


def test_mapped_columns_are_sent_as_the_step_names_them(argilla: FakeArgilla) -> None:
    mapped = step(
        input_mappings={"instruction": "prompt", "generations": "answers", "ratings": "scores"}
    )
    rows = [{"prompt": "Say hi.", "answers": ["Hi!", "No."], "scores": [5, 1]}]
    assert rows_after(applied(mapped, rows)) == rows
    assert only_record(argilla)["fields"]["generation-1"] == "No."
    assert suggestions(argilla)["generation-0-rating"] == 5


def test_no_generations_at_all_is_told_when_the_step_is_made() -> None:
    with pytest.raises(ConfigurationError, match="num_generations"):
        step(num_generations=0)
