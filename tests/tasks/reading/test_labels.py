"""Labels are taken in the spelling they were given in, and never guessed."""

from __future__ import annotations

import pytest

from llms.errors import RowRejected
from tasks.reading.labels import folded, label_among, labels_in

LABELS = {"Very good": "good", "C++": "cpp", "(none)": "none"}


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("Very good", "good"),
        ("very  GOOD ", "good"),
        ("**Very good**.", "good"),
        ('"very\ngood"', "good"),
        ("\uff36ery good", "good"),
        ("c++", "cpp"),
        ("C++.", "cpp"),
        ("(None)", "none"),
    ],
)
def test_a_label_is_known_by_its_letters_and_marks(said: str, label: str) -> None:
    assert label_among(said, LABELS) == label


@pytest.mark.parametrize("said", ["good", "C", "", "Very good and C++", "very-good"])
def test_what_is_no_label_is_rejected_with_the_labels_there_are(said: str) -> None:
    with pytest.raises(RowRejected, match=r"is none of 'Very good', 'C\+\+', '\(none\)'$"):
        label_among(said, LABELS)


def test_a_spelling_given_exactly_wins_over_one_that_is_only_alike() -> None:
    assert label_among("a", {"A": "upper", "a": "lower"}) == "lower"
    assert label_among("B", {"b": "first", "b ": "second"}) == "first"


def test_a_long_list_of_labels_is_not_told_in_full() -> None:
    with pytest.raises(RowRejected, match=r"'29', \.\.\.$"):
        label_among("x", {str(number): number for number in range(50)})


def test_texts_are_compared_without_case_width_and_spacing() -> None:
    assert folded(" A\u00a0 \uff22\nstra\u00dfe ") == "a b strasse"


@pytest.mark.parametrize(
    "reply",
    [
        '{"labels": ["a b", "c"]}',
        'Sure:\n```json\n{"labels": ["a b", "c"]}\n```',
        '{"labels": ["a b", "c"], "why": "so"}',
        '{"label": ["a b", "c"]}',
        "Labels: a b, c",
        "**Labels:**\n- a b\n- c",
        "a b; c",
        "1. a b\r\n2. c",
    ],
)
def test_several_labels_are_read(reply: str) -> None:
    assert labels_in(reply, several=True) == ["a b", "c"]


@pytest.mark.parametrize(
    "reply",
    [
        '{"label": "arts, crafts"}',
        '{"labels": "arts, crafts"}',
        '{"labels": ["arts, crafts"]}',
        "Label: arts, crafts\nIt is about pots.",
        "arts, crafts",
        "```\narts, crafts\n```",
    ],
)
def test_one_label_is_not_taken_apart(reply: str) -> None:
    assert labels_in(reply, several=False) == ["arts, crafts"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "the reply is empty"),
        ('{"labels": 3}', "the property 'labels' of the reply is 3, not text"),
        ('{"labels": ["a", null]}', "is .'a', None., not text"),
        ('{"tags": ["a"]}', "the property 'labels' of the reply is None"),
        ('{"labels": ["a', "ends before the JSON object is complete"),
    ],
)
@pytest.mark.parametrize("several", [True, False])
def test_a_reply_without_labels_is_rejected(reply: str, reason: str, several: bool) -> None:
    with pytest.raises(RowRejected, match=reason):
        labels_in(reply, several=several)


def test_where_any_label_would_do_a_refusal_is_not_one() -> None:
    with pytest.raises(RowRejected, match="no JSON object with the property 'labels'"):
        labels_in("I can't label this.", several=False, bare=False)
    assert labels_in("Label: pottery", several=False, bare=False) == ["pottery"]
