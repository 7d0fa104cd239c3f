"""Reading a judge: sloppy replies are read, and what is not there is never made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llms.errors import RowRejected
from tasks.feedback.assessments import Assessment, assessments_in

BOTH = [Assessment(4, "Good."), Assessment(2, "Bad.")]


def test_numbered_sections_are_read() -> None:
    reply = "#### Text 1\nRationale: Good.\nRating: 4\n\n#### Text 2\nRationale: Bad.\nRating: 2"
    assert assessments_in(reply, 2) == BOTH


@pytest.mark.parametrize(
    "header",
    [
        "Text {}",
        "Output {}:",
        "#### Output for Text {}",
        "**Text {}**",
        "**Response {}:**",
        "## Feedback for response {}",
        "Rating for Text {}",
        "- Answer #{}",
        "Generation [{}]",
        "[{}]",
        "### {}.",
        "> Text {} -",
    ],
)
def test_the_numbers_of_sections_may_be_dressed_differently(header: str) -> None:
    sections = [("Good.", 4), ("Bad.", 2)]
    reply = "\n\n".join(
        f"{header.format(number)}\nRating: {rating}\nRationale: {rationale}"
        for number, (rationale, rating) in enumerate(sections, 1)
    )
    assert assessments_in(reply, 2) == BOTH


@pytest.mark.parametrize(
    "rating",
    [
        "4",
        "4/5",
        "4 / 5",
        "4 out of 5",
        "**4**",
        "4 - good",
        "4 (Good)",
        "4.",
        "4.0",
        "\uff14",
        "\u0664",
    ],
)
def test_a_rating_may_be_dressed_differently(rating: str) -> None:
    assert assessments_in(f"Rating: {rating}\nRationale: Good.", 1) == BOTH[:1]


@pytest.mark.parametrize(
    "section",
    [
        "**Rating:** 4\n**Rationale:** Good.",
        "**Rating**: 4\n\n**Rationale**: Good.\n",
        "- Rating: 4\n- Rationale: Good.",
        "RATING: 4\nRATIONALE: Good.",
        "Rating (1-5): 4\nRationale: Good.",
        "Rating:\n4\nRationale:\nGood.",
        "Score: 4\nRationale: Good.",
        "Rating: 4. Rationale: Good.",
        "Rationale: Good.\nRating: 4\n\n---",
        "Rating\uff1a4\nRationale\uff1aGood.",
        "```\nRating: 4\nRationale: Good.\n```",
    ],
)
def test_labels_may_be_dressed_differently(section: str) -> None:
    assert assessments_in(section, 1) == BOTH[:1]
    assert assessments_in(f"Text 1:\n{section}".replace("\n", "\r\n"), 1) == BOTH[:1]


def test_a_rationale_may_have_paragraphs_lists_and_mentions_of_other_texts() -> None:
    long = (
        "First.\n\nText 2 is worse:\n\n1. shorter\n2. wrong\n\n- Text 2 lies.\n\nRating it is hard"
    )
    reply = f"#### Text 1\nRationale: {long}\nRating: 4\n\n#### Text 2\nRationale: Bad.\nRating: 2"
    assert assessments_in(reply, 2) == [Assessment(4, long), BOTH[1]]
    turned = f"#### Text 1\nRating: 4\nRationale: {long}\n\n#### Text 2\nRating: 2\nRationale: Bad."
    assert assessments_in(turned, 2) == [Assessment(4, long), BOTH[1]]


def test_sections_in_another_order_go_to_the_text_they_number() -> None:
    reply = "Text 2\nRating: 2\nRationale: Bad.\nText 1\nRating: 4\nRationale: Good."
    assert assessments_in(reply, 2) == BOTH


def test_words_before_the_first_section_are_left_out() -> None:
    reply = "Text 1\nRating: 4\nRationale: Good.\nText 2\nRating: 2\nRationale: Bad."
    assert assessments_in(f"Here are my ratings.\n\n{reply}", 2) == BOTH


def test_without_any_numbers_sections_begin_where_the_first_label_comes_again() -> None:
    reply = "Rating: 4\nRationale: Good.\n\nRating: 2\nRationale: Bad."
    assert assessments_in(reply, 2) == BOTH
    with pytest.raises(RowRejected, match="2 sections without numbers for 3 texts"):
        assessments_in(reply, 3)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("I won't rate these.", "no section for text 1 of 2", id="refusal"),
        pytest.param(
            "Text 1\nRating: 4\nRationale: Good.",
            "no section for text 2 of 2",
            id="missing section",
        ),
        pytest.param(
            "Text 1\nRationale: x\nRating: 4\nText 2\nRationale: Ba",
            "text 2 has no rating",
            id="cut off",
        ),
        pytest.param(
            "Text 1\nRating: 4\nRationale: x\nText 2\nRating: 2",
            "text 2 has no rationale",
            id="missing rationale",
        ),
        pytest.param(
            "Text 1\nRating: 4\nRationale:\nText 2\nRating: 2\nRationale: x",
            "text 1 has no rationale",
            id="empty rationale",
        ),
        pytest.param(
            "Text 1\nRating: 4\nRationale: x\n" * 2,
            "2 sections for text 1 of 2",
            id="repeated section",
        ),
        pytest.param(
            "Text 1\nRating: 4\nRating: 3\nRationale: x\nText 2\nRating: 2\nRationale: x",
            "text 1 has more than one rating",
            id="repeated rating",
        ),
        pytest.param(
            "".join(f"Text {n}\nRating: 4\nRationale: x\n" for n in (1, 2, 3)),
            "a section for text 3, but there are 2",
            id="too many",
        ),
    ],
)
def test_a_section_that_is_missing_or_repeated_is_a_rejection_that_names_it(
    reply: str, reason: str
) -> None:
    with pytest.raises(RowRejected, match=reason):
        assessments_in(reply, 2)


@pytest.mark.parametrize(
    "rating", ["0", "6", "-", "N/A", "3.5", "3,5", "4/10", "4-5", "3 or 4", "good", "<1-5>", "four"]
)
def test_a_rating_that_is_no_whole_number_from_1_to_5_is_a_rejection(rating: str) -> None:
    with pytest.raises(
        RowRejected, match=r"the rating of text 1 is .* not a whole number from 1 to 5"
    ):
        assessments_in(f"Rating: {rating}\nRationale: x", 1)


# Types


TYPED = [Assessment(5, "why", 1, "so"), Assessment(1, "why", None, "so")]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            "Text 1\nType: 1\nRationale: why\nRationale for rating: so\nRating: 5\n"
            "Text 2\nType: None\nRationale: why\nRationale for rating: so\nRating: 1",
            id="as asked",
        ),
        pytest.param(
            "Type: 1. Clear\nRationale: why\nRating: 5\nRationale: so\n\n"
            "Type: N/A\nRationale: why\nRating: 1\nRationale: so",
            id="in the order of the paper",
        ),
        pytest.param(
            "**Text 1**\n**Types:** 1\n**Rationale:** why\n"
            "**Rationale for its rating:** so\n**Rating:** 5/5\n"
            "**Text 2**\n**Types:** null\n**Rationale:** why\n"
            "**Rationale for the rating:** so\n**Rating:** 1",
            id="sloppy",
        ),
    ],
)
def test_a_type_may_be_a_number_or_none(reply: str) -> None:
    assert assessments_in(reply, 2, 3) == TYPED


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ("Type: 4\nRationale: a\nRationale for rating: b\nRating: 5", "the type of text 1 is '4'"),
        (
            "Type: 1, 3\nRationale: a\nRationale for rating: b\nRating: 5",
            "the type of text 1 is '1, 3'",
        ),
        ("Type: clear\nRationale: a\nRationale for rating: b\nRating: 5", "the type of text 1"),
        ("Rationale: a\nRationale for rating: b\nRating: 5", "text 1 has no type"),
        ("Type: 1\nRationale: a\nRating: 5", "text 1 has no rationale for its rating"),
    ],
    ids=["out of range", "two types", "no number", "no type", "one rationale"],
)
def test_a_type_or_rationale_that_is_not_there_is_a_rejection(section: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        assessments_in(section, 1, 3)


def test_where_no_type_is_asked_for_the_word_is_part_of_the_rationale() -> None:
    reply = "Rationale: The code says\nType: int\nwhich is right.\nRating: 4"
    assert assessments_in(reply, 1) == [Assessment(4, "The code says\nType: int\nwhich is right.")]


# JSON


def as_json(*items: Any) -> str:
    return json.dumps({"assessments": items})


@pytest.mark.parametrize(
    "reply",
    ["{}", "```json\n{}\n```", "\n{}\n", "Here you are:\n```json\n{}\n```\nAnything else?"],
    ids=["plain", "fenced", "padded", "in prose"],
)
def test_json_gives_the_same(reply: str) -> None:
    items = [{"rationale": "Good.", "rating": 4}, {"rationale": "Bad.", "rating": "2"}]
    assert assessments_in(reply.replace("{}", as_json(*items)), 2) == BOTH
    typed = [
        {"type": 1, "rationale": "why", "rationale_for_rating": "so", "rating": 5},
        {"type": None, "rationale": "why", "rationale_for_rating": "so", "rating": 1.0},
    ]
    assert assessments_in(reply.replace("{}", as_json(*typed)), 2, 3) == TYPED


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(
            as_json({"rationale": "x", "rating": 4})[:-9],
            "ends before the JSON object is complete",
            id="cut off",
        ),
        pytest.param('{"other": []}', "'assessments' is a required property", id="other object"),
        pytest.param('{"assessments": [4]}', "4 is not of type 'object'", id="numbers"),
        pytest.param(as_json(), "0 assessments for 1 texts", id="too few"),
        pytest.param(
            as_json(*[{"rationale": "x", "rating": 4}] * 2), "2 assessments for 1", id="too many"
        ),
        pytest.param(as_json({"rationale": "x"}), "text 1 has no rating", id="no rating"),
        pytest.param(
            as_json({"rationale": None, "rating": 4}),
            "text 1 has no rationale",
            id="null rationale",
        ),
        pytest.param(
            as_json({"rationale": "", "rating": 4}), "text 1 has no rationale", id="empty rationale"
        ),
        pytest.param(
            as_json({"rationale": "x", "rating": None}), "text 1 has no rating", id="null rating"
        ),
        pytest.param(
            as_json({"rationale": "x", "rating": 6}),
            "the rating of text 1 is '6'",
            id="out of range",
        ),
        pytest.param(
            as_json({"rationale": "x", "rating": True}), "the rating of text 1", id="no number"
        ),
    ],
)
def test_json_that_lacks_something_is_a_rejection(reply: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        assessments_in(reply, 1)
