"""The gate `lengths`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.versions.saved import SavedVersion
from tests.flows.gates.refreshes import key_of, refreshed, verdict, verdicts


@pytest.fixture
def version(tmp_path: Path) -> SavedVersion:
    """Texts of 2, 3, 4 and 7 characters, and none."""
    texts = ["ab", "äöü", "abcd", "abcdefg", None]
    return refreshed(tmp_path / "v", [{"text": text} for text in texts])


@pytest.mark.parametrize(
    ("bounds", "passed"),
    [
        ({"shortest": 2}, True),
        ({"shortest": 3}, False),
        ({"longest": 7}, True),
        ({"longest": 6}, False),
        ({"shortest": 2, "longest": 7}, True),
        ({"shortest": 3, "share_outside": 0.25}, True),
        ({"shortest": 3, "share_outside": 0.24}, False),
        ({"mean_at_least": 4}, True),
        ({"mean_at_least": 4.1}, False),
        ({"mean_at_most": 4}, True),
        ({"mean_at_most": 3.9}, False),
    ],
    ids=str,
)
def test_texts_are_within_bounds(bounds: Any, passed: bool, version: SavedVersion) -> None:
    assert verdict(version, lengths={"text": bounds}).passed is passed


def test_the_sentences_name_the_texts_outside_and_the_mean(version: SavedVersion) -> None:
    wanted = {"shortest": 3, "longest": 6, "mean_at_least": 5}
    outside, mean = verdicts(version, lengths={"text": wanted})
    keys = (key_of(version, 0), key_of(version, 3))
    assert outside.rows == keys
    assert outside.sentence == (
        f"50% of the texts in 'text' are too short or too long (2 of 4; 2 to 7 characters), and at "
        f"least 3 and at most 6 characters are wanted (for example {keys[0][:8]} “ab”, "
        f"{keys[1][:8]} “abcdefg”)."
    )
    assert mean.sentence == (
        "The mean length in characters of 'text' is 4 (4 values), and at least 5 is wanted."
    )


def test_each_text_of_a_list_counts_and_a_chat_is_one_text(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "12345"}, {"role": "assistant", "content": "123"}]
    version = refreshed(tmp_path / "v", [{"texts": ["1", "123"], "chat": chat}])
    texts, chats = verdicts(
        version, lengths={"texts": {"mean_at_most": 2}, "chat": {"mean_at_most": 8}}
    )
    assert (texts.measured, texts.passed) == (2, True)
    assert (chats.measured, chats.passed) == (8, True)


def test_a_mean_of_nothing_fails(tmp_path: Path) -> None:
    version = refreshed(tmp_path / "v", [{"text": None, "n": 1}])
    found = verdict(version, lengths={"text": {"mean_at_least": 0}})
    assert not found.passed
    assert found.sentence == "The column 'text' has no values to take the mean of."
