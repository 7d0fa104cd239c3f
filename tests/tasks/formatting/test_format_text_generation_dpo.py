"""Preference pairs: the best against the worst, or a reason why there is no pair."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import FormatTextGenerationDPO, Graph, LoadDataFromDicts
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROW = {"instruction": "Say hi.", "generations": ["Hm.", "Hi!", "No."], "ratings": [3, 5, 1]}


def pair(**changes: Any) -> dict[str, Any]:
    (made,) = rows_after(applied(FormatTextGenerationDPO(), [{**ROW, **changes}]))
    return made


def turns(*contents: str) -> list[dict[str, str]]:
    roles = ("system", "user", "assistant")[3 - len(contents) :]
    return [
        {"role": role, "content": content} for role, content in zip(roles, contents, strict=True)
    ]


def test_by_hand_the_best_is_chosen_and_the_worst_rejected() -> None:
    (made,) = FormatTextGenerationDPO().process([ROW])
    assert made == [
        {
            **ROW,
            "prompt": "Say hi.",
            "prompt_id": sha256(b"Say hi.").hexdigest(),
            "chosen": turns("Say hi.", "Hi!"),
            "chosen_rating": 5,
            "rejected": turns("Say hi.", "No."),
            "rejected_rating": 1,
        }
    ]


def test_in_a_pipeline_rows_keep_their_keys_and_columns_their_types() -> None:
    outcome = applied(FormatTextGenerationDPO(), [ROW])
    assert keys_of(outcome.frame) == keys_of(keyed([ROW]))
    assert outcome.frame.schema["chosen_rating"] == pl.Int64
    assert outcome.frame.schema["chosen"] == pl.List(
        pl.Struct({"role": pl.String, "content": pl.String})
    )


def test_the_models_are_named_only_where_they_are_known() -> None:
    assert "chosen_model" not in pair()
    made = pair(generation_models=["a", "b", "c"])
    assert (made["chosen_model"], made["rejected_model"]) == ("b", "c")


@pytest.mark.parametrize(
    ("system", "chat"),
    [
        pytest.param("Be kind.", ("Be kind.", "Say hi.", "Hi!"), id="given"),
        pytest.param(None, ("Say hi.", "Hi!"), id="null"),
        pytest.param("", ("Say hi.", "Hi!"), id="empty"),
    ],
)
def test_a_system_prompt_comes_first(system: str | None, chat: tuple[str, ...]) -> None:
    assert pair(system_prompt=system)["chosen"] == turns(*chat)


def test_of_equal_ratings_the_first_counts() -> None:
    made = pair(generations=["a", "b", "c", "d"], ratings=[2.5, 4.5, 4.5, 2.5])
    assert made["chosen"][-1]["content"] == "b"
    assert made["rejected"][-1]["content"] == "a"
    assert made["chosen_rating"] == 4.5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"ratings": [3, 3, 3]}, "all ratings are equal", id="ties"),
        pytest.param(
            {"generations": ["a"], "ratings": [3]}, "all ratings are equal", id="only one"
        ),
        pytest.param({"ratings": [3, None, 1]}, "rating 2 is None, not a number", id="null rating"),
        pytest.param({"ratings": [3.0, float("nan")]}, "rating 2 is nan, not a number", id="NaN"),
        pytest.param({"ratings": ["5", "1"]}, "rating 1 is '5', not a number", id="text ratings"),
        pytest.param({"ratings": None}, "'ratings' holds no list", id="null ratings"),
        pytest.param({"ratings": []}, "'ratings' holds no list", id="no ratings"),
        pytest.param({"ratings": [5, 1]}, "'generations' has 3 items for 2 ratings", id="lengths"),
        pytest.param(
            {"generations": ["a", None, "c"]}, "item 2 of 'generations' is null", id="null text"
        ),
        pytest.param({"generations": None}, "'generations' holds no list", id="null texts"),
        pytest.param({"generations": ["x", "y", "y"]}, "are the same text", id="the same text"),
        pytest.param({"generation_models": ["a"]}, "'generation_models' has 1 items", id="models"),
        pytest.param(
            {"generation_models": None}, "'generation_models' holds no list", id="null models"
        ),
        pytest.param({"instruction": None}, "the column 'instruction' is null", id="null prompt"),
    ],
)
def test_a_row_without_a_pair_is_rejected(changes: dict[str, Any], reason: str) -> None:
    bad = {**ROW, **changes}
    outcome = applied(FormatTextGenerationDPO(), [bad])
    assert not outcome.frame.height
    (rejection,) = outcome.rejections
    assert reason in rejection.reason
    assert rejection.row.keys() == bad.keys()


def test_a_row_without_a_pair_harms_no_other() -> None:
    outcome = applied(FormatTextGenerationDPO(), [ROW, {**ROW, "ratings": [2, 2, 2]}, ROW])
    assert [row["chosen_rating"] for row in rows_after(outcome)] == [5, 5]
    assert outcome.rejections[0].row["ratings"] == [2, 2, 2]


def test_every_partition_has_the_same_columns_even_one_without_rows() -> None:
    some = applied(FormatTextGenerationDPO(), [ROW]).frame
    none = applied(FormatTextGenerationDPO(), [{**ROW, "ratings": [2, 2, 2]}]).frame
    assert some.schema == none.schema


def test_the_check_before_a_run_knows_the_columns() -> None:
    def columns_with(**more: Any) -> dict[str, Any]:
        with Graph("g") as graph:
            LoadDataFromDicts(data=[{**ROW, **more}]) >> FormatTextGenerationDPO(
                output_mappings={"prompt": "question"}
            )
        return dict(graph.validate()["format_text_generation_dpo_0"] or {})

    assert "chosen_model" not in columns_with()
    assert "chosen_model" in columns_with(generation_models=["a", "b", "c"])
    assert columns_with()["chosen_rating"] == pl.Int64
    assert "question" in columns_with()
    with pytest.raises(ConfigurationError, match="needs the column 'ratings'"):
        columns_with(ratings="none")
