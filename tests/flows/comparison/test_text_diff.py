"""The difference of two texts: passages that stayed, went and came."""

from __future__ import annotations

import time

import pytest

from flows.comparison.text_diff import Passage, word_diff


def shown(before: str, now: str) -> str:
    signs = {"same": "{}", "removed": "[-{}]", "added": "[+{}]"}
    return "".join(signs[its.kind].format(its.text) for its in word_diff(before, now))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("The red fox runs far.", "The brown fox runs far.", "The [-red][+brown] fox runs far."),
        ("one two three", "one two", "one two[- three]"),
        ("one two", "zero one two", "[-one][+zero one] two"),
        ("", "new", "[+new]"),
        ("old", "", "[-old]"),
        ("a b c d e f", "a X c Y e f", "a [-b c d][+X c Y] e f"),
        ("same", "same", "same"),
    ],
)
def test_passages(before: str, now: str, expected: str) -> None:
    assert shown(before, now) == expected


def test_what_stayed_is_cut_in_the_middle() -> None:
    same = " ".join(f"word{number}" for number in range(500))
    passages = word_diff(f"start {same} end", f"begin {same} stop")
    kept = next(its.text for its in passages if its.kind == "same" and "word0" in its.text)
    assert " … " in kept
    assert kept.count("word") == 40


@pytest.mark.parametrize("side", ["removed", "added"])
def test_nothing_of_a_change_is_lost(side: str) -> None:
    before, now = "It was a dark night.\n\nRain fell.", "It was a bright day.\n\nSun shone."
    text = "".join(its.text for its in word_diff(before, now) if its.kind in ("same", side))
    assert text == {"removed": before, "added": now}[side]


def test_a_long_text_is_compared_up_to_two_thousand_words() -> None:
    long = " ".join(f"w{number}" for number in range(50_000))
    begun = time.perf_counter()
    passages = word_diff(long, "short")
    assert time.perf_counter() - begun < 2
    assert sum(len(its.text) for its in passages) < 20_000
    assert Passage("added", "short") in passages
