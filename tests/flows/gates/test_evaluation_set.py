"""The evaluation sets that the gate `contamination` looks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llms.errors import ConfigurationError
from tests.flows.gates.refreshes import (
    OTHER,
    QUESTION,
    evaluation,
    gates,
    refreshed,
    verdict,
)


def test_only_texts_of_eight_words_count_where_no_columns_are_named(tmp_path: Path) -> None:
    source = evaluation(tmp_path / "set", question=[QUESTION], topic=["maths"])
    version = refreshed(tmp_path / "v", [{"text": OTHER, "topic": "maths"}])
    assert verdict(version, contamination={"sets": {"shop": source}}).passed
    named = {"source": source, "columns": ["topic"]}
    assert not verdict(version, contamination={"sets": {"shop": named}}).passed


def test_an_evaluation_set_may_be_a_dataset_folder_of_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    for split, text in (("train", OTHER), ("test", QUESTION)):
        (folder / f"{split}.jsonl").write_text(json.dumps({"question": text}) + "\n")
    version = refreshed(tmp_path / "v", [{"text": QUESTION}])
    sets: dict[str, Any] = {"shop": f"hub:{folder}"}
    assert verdict(version, contamination={"sets": sets}).measured == 1
    sets = {"shop": {"source": f"hub:{folder}", "split": "train"}}
    assert verdict(version, contamination={"sets": sets}).measured == 0


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (None, "There is no file or folder .*gone.jsonl' with the evaluation set 'shop'"),
        (
            ("answer",),
            "The evaluation set 'shop' has no column 'answer'; its columns are: question",
        ),
        ((), "'shop' holds no text of 8 words or more; name the columns with its texts"),
    ],
    ids=["no file", "no column", "no text"],
)
def test_an_evaluation_set_that_cannot_be_used_is_found_before_a_run(
    columns: tuple[str, ...] | None, said: str, tmp_path: Path
) -> None:
    source = evaluation(tmp_path / "set", "Too short.")
    one = {"source": source, "columns": columns or ()}
    if columns is None:
        one["source"] = str(tmp_path / "gone.jsonl")
    with pytest.raises(ConfigurationError, match=said):
        gates(contamination={"sets": {"shop": one}}).prepare()


def test_an_unreadable_evaluation_set_is_named(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text('{"question": \n')
    with pytest.raises(ConfigurationError, match="The evaluation set 'shop' cannot be loaded: "):
        gates(contamination={"sets": {"shop": str(file)}}).prepare()
