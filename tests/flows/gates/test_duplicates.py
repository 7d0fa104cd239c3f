"""The gate `duplicates`."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tasks import Row
from tests.flows.gates.refreshes import configured, key_of, refreshed, verdict, verdicts

WORDS = [f"word{number}" for number in range(2_000)]


def texts(count: int) -> list[str]:
    random = Random(1)
    return [" ".join(random.choices(WORDS, k=30)) for _ in range(count)]


@pytest.mark.parametrize(("most", "passed"), [(0.25, True), (0.2, False), (0, False)])
def test_a_share_of_rows_may_repeat_earlier_ones(most: float, passed: bool, tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": text} for text in ("a", "b", "a", "c")])
    found = verdict(version, duplicates={"at_most": most})
    assert found.measured == 0.25
    assert found.passed is passed


def test_the_sentence_names_the_later_rows(tmp_path: Path) -> None:
    rows = [{"text": text, "n": n} for n, text in enumerate(["a", "b", "a", "a"])]
    version = refreshed(tmp_path / "v", rows)
    found = verdict(version, duplicates={"columns": ["text"], "at_most": 0.1})
    keys = (key_of(version, 2), key_of(version, 3))
    assert found.rows == keys
    assert found.sentence == (
        f"50% of the rows are equal to an earlier one in 'text' (2 of 4), and at most 10% may be "
        f"(for example {keys[0][:8]} “a”, {keys[1][:8]} “a”)."
    )


def test_rows_are_equal_if_all_named_columns_are(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"a": "x", "b": [1], "n": 1},
        {"a": "x", "b": [2], "n": 2},
        {"a": "x", "b": [1], "n": 3},
    ]
    version = refreshed(tmp_path / "v", rows)
    measured: list[Any] = [
        verdict(version, duplicates={"columns": columns, "at_most": 1}).measured
        for columns in (["a"], ["a", "b"], [])
    ]
    assert measured == [2 / 3, 1 / 3, 0]


def test_near_duplicates_are_found_above_the_similarity(tmp_path: Path) -> None:
    first, *others = texts(50)
    words = first.split()
    near, far = " ".join(["new", *words[1:]]), " ".join([*["new"] * 15, *words[15:]])
    version = refreshed(tmp_path / "v", [{"text": text} for text in [first, *others, near, far]])
    wanted = {"columns": ["text"], "near_at_most": 0.01, "similarity": 0.8}
    found = verdict(version, duplicates=wanted)
    assert not found.passed
    assert found.measured == 1 / 52
    assert found.rows == (key_of(version, 50),)
    assert "have nearly the same text as an earlier one in 'text' (1 of 52)" in found.sentence
    assert verdict(version, duplicates={**wanted, "near_at_most": 0.02}).passed


def test_rows_without_text_are_no_near_duplicates(tmp_path: Path) -> None:
    rows: list[Row] = [{"text": "", "n": 1}, {"text": None, "n": 2}, {"text": " ", "n": 3}]
    version = refreshed(tmp_path / "v", rows)
    assert verdict(version, duplicates={"columns": ["text"], "near_at_most": 0}).passed
    assert verdict(version, duplicates={"columns": ["n"], "near_at_most": 0}).passed


def test_the_text_of_chats_is_compared(tmp_path: Path) -> None:
    said = texts(3)
    chats: list[Row] = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes"}]}
        for text in [*said, said[0] + "."]
    ]
    version = refreshed(tmp_path / "v", chats)
    exact, near = verdicts(version, duplicates={"at_most": 0, "near_at_most": 0})
    assert exact.passed
    assert near.measured == 0.25


def test_configurations_are_compared_each_by_itself(tmp_path: Path) -> None:
    rows = [{"a": "x", "b": "y"}, {"a": "x", "b": "z"}]
    version = configured(tmp_path / "v", rows, sft=("a",), dpo=("a", "b"))
    sft, dpo = verdicts(version, duplicates={"at_most": 0})
    assert (sft.subject, sft.passed) == ("sft", False)
    assert (dpo.subject, dpo.passed) == ("dpo", True)
