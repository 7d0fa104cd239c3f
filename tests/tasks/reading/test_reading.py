"""What a careful person could read is read; the rest is rejected with what was missing."""

from __future__ import annotations

import pytest

from llms.errors import RowRejected
from tasks.reading.json_object import (
    TEXT,
    json_object,
    list_of,
    looks_like_json,
    object_in,
    object_of,
    one_of,
)
from tasks.reading.numbered import items_in, scores_in
from tasks.reading.numbers import on_scale, whole_on_scale
from tasks.reading.plain import plain
from tasks.reading.sections import Section, schema_of, sections_in, texts_under


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("yes\nno", id="as it is"),
        pytest.param("\ufeff yes\r\nno\r\n", id="line ends of another system"),
        pytest.param("```text\nyes\nno\n```", id="fenced"),
        pytest.param("<think>hm</think>\nyes\nno", id="reasoning"),
        pytest.param("yes\rno", id="old line ends"),
    ],
)
def test_what_stands_around_a_reply_is_left_out(reply: str) -> None:
    assert plain(reply) == "yes\nno"


def test_a_reply_with_a_code_block_inside_keeps_it() -> None:
    reply = "```python\n1\n```\nand\n```python\n2\n```"
    assert plain(reply) == reply


@pytest.mark.parametrize("reply", [None, "", " \r\n", "\u200b"])
def test_nothing_is_rejected(reply: str | None) -> None:
    with pytest.raises(RowRejected, match="the reply is empty"):
        plain(reply)
    with pytest.raises(RowRejected, match="reasoning but no answer"):
        plain("<think>all the tokens went here")


@pytest.mark.parametrize(
    "text",
    [
        "4",
        "**4**",
        "4/5",
        "4 / 5",
        "4 out of 5",
        "4.0",
        "4 - good",
        " 4.",
        "\uff14",
        "\u0664",
        "`4`",
    ],
)
def test_a_number_may_be_dressed_differently(text: str) -> None:
    assert whole_on_scale(text, 1, 5, "the rating") == 4
    assert on_scale(text, 1, 5, "the rating") == 4.0


@pytest.mark.parametrize(
    "text", ["", "0", "6", "-4", "3.5", "3,5", "4/10", "3-4", "3 or 4", "four", "10", "<1-5>"]
)
def test_what_is_no_whole_number_on_the_scale_is_rejected(text: str) -> None:
    with pytest.raises(RowRejected, match=r"^the rating is .*, not a whole number from 1 to 5$"):
        whole_on_scale(text, 1, 5, "the rating")


def test_a_fraction_is_kept_where_it_may_be() -> None:
    assert on_scale("3.5", 1, 5, "the score") == 3.5
    with pytest.raises(RowRejected, match="not a number from 1 to 5"):
        on_scale("3.5 or 4", 1, 5, "the score")


# Sections


BOTH = (Section("problem", "Problem", ("Task description",)), Section("solution", "Solution"))


@pytest.mark.parametrize(
    "reply",
    [
        "[Problem]\nAdd.\n\n[Solution]\na + b",
        "Sure!\n\n## Problem\n\nAdd.\n\n## Solution\n\na + b\n",
        "**Problem:** Add.\n**Solution:** a + b",
        "problem: Add.\r\nsolution: a + b",
        "### Task  Description:\nAdd.\n### SOLUTION\na + b",
        "```\n[Problem]\nAdd.\n[Solution]\na + b\n```",
        "[[Problem]]\nAdd.\n[[Solution]]\na + b",
        "Problem\uff1aAdd.\nSolution\uff1aa + b",
    ],
)
def test_headers_may_be_dressed_differently(reply: str) -> None:
    assert sections_in(reply, BOTH) == {"problem": "Add.", "solution": "a + b"}


def test_a_bare_word_is_text_where_headers_are_marked() -> None:
    reply = "[Problem]\nAdd.\nSolution: see below.\n[Solution]\na + b"
    assert sections_in(reply, BOTH)["problem"] == "Add.\nSolution: see below."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I cannot do that.", "no section 'Problem'"),
        ("[Problem]\nAdd.", "no section 'Solution'"),
        ("[Problem]\n[Solution]\na + b", "the problem in the reply is empty"),
        ("[Problem]\nAdd.\n[Solution]", "the solution in the reply is empty"),
        ("[Solution]\na + b\n[Problem]\nAdd.", "'Solution' comes before 'Problem'"),
        ("[Problem]\nAdd.\n[Solution]\n1\n[Solution]\n2", "'Solution' 2 times"),
        ("[Problem]\nAdd.\n[Solution]\n```python\na +", "breaks off inside a code block"),
    ],
)
def test_a_section_that_is_not_there_once_is_named(reply: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        sections_in(reply, BOTH)


def test_an_optional_section_may_be_missing() -> None:
    wanted = (BOTH[0], Section("hint", "Hint", optional=True))
    assert sections_in("[Problem]\nAdd.", wanted) == {"problem": "Add."}


def test_an_implied_section_is_what_stands_before_the_next_header() -> None:
    wanted = (Section("why", "Reasoning", implied=True), BOTH[1])
    assert sections_in("It adds.\n\n[Solution]\na + b", wanted) == {
        "why": "It adds.",
        "solution": "a + b",
    }
    assert sections_in("Well.\n[Reasoning] It adds.\n[Solution] 1", wanted)["why"] == "It adds."
    with pytest.raises(RowRejected, match="the why in the reply is empty"):
        sections_in("[Solution]\na + b", wanted)
    with pytest.raises(RowRejected, match="no section 'Solution'"):
        sections_in("I cannot do that.", wanted)


def test_headers_may_be_in_braces_and_inside_a_sentence_they_are_text() -> None:
    wanted = (Section("problem", "the_problem"), BOTH[1])
    reply = "{the_problem}: See the {solution} below.\nSolution: soon.\n{solution}:\na + b"
    assert sections_in(reply, wanted) == {
        "problem": "See the {solution} below.\nSolution: soon.",
        "solution": "a + b",
    }


def test_sections_may_come_as_an_object() -> None:
    wanted = (*BOTH, Section("hint", "Hint", optional=True))
    made = {"problem": "Add.", "solution": "a + b"}
    assert texts_under('So: {"problem": " Add. ", "solution": "a + b"}', wanted) == made
    assert texts_under("[Problem]\nAdd.\n[Solution]\na + b", wanted) == made
    assert schema_of(wanted)["required"] == ["problem", "solution"]
    with pytest.raises(RowRejected, match="the problem in the reply is empty"):
        texts_under('{"problem": "", "solution": "a + b"}', wanted)
    with pytest.raises(RowRejected, match="'solution' is a required property"):
        texts_under('{"problem": "Add."}', wanted)


# Lists and scores


@pytest.mark.parametrize(
    "reply",
    [
        "Say hi.\nSay bye.",
        "1. Say hi.\n2. Say bye.",
        "1) Say hi.\n2) Say bye.",
        "[1] Say hi.\n[2] Say bye.",
        "- Say hi.\n- Say bye.",
        "* Say hi.\n\n* Say bye.",
        "\u2022 Say hi.\n\u2022 Say bye.",
        "Here are two:\n\n1. Say hi.\n2. Say bye.\n\nTell me if you want more!",
        "Here they are:\nSay hi.\nSay bye.",
        "**1.** Say hi.\r\n**2.** Say bye.",
        "```\n1. Say hi.\n2. Say bye.\n```",
        "\u0661. Say hi.\n\u0662. Say bye.",
    ],
)
def test_a_list_is_read_without_its_marks(reply: str) -> None:
    assert items_in(reply) == ["Say hi.", "Say bye."]


def test_where_items_must_be_marked_lines_of_prose_are_none() -> None:
    assert items_in("1. Say hi.\n2. Say bye.", marked=True) == ["Say hi.", "Say bye."]
    with pytest.raises(RowRejected, match="the reply has no items"):
        items_in("I'm sorry.\nI can't do that.", marked=True)


def test_an_item_may_go_on_over_several_lines() -> None:
    reply = "1. Compare:\n   - apples\n   - pears\n2. Say bye.\nTwice."
    assert items_in(reply) == ["Compare:\n- apples\n- pears", "Say bye.\nTwice."]


@pytest.mark.parametrize(
    "reply",
    [
        "[1] Score: 2\n[2] Score: 4.5",
        "Here are the scores:\n\n[1] Score: 2\n[2] Score: 4.5",
        "[2] Score: 4.5\n[1] Score: 2",
        "1. Score: 2\n2. Score: 4.5",
        "1: 2\n2: 4.5",
        "[1] 2\n[2] 4.5",
        "**[1] Score:** 2/5\n**[2] Score:** 4.5/5",
        "Instruction 1: score 2\nInstruction 2: score 4.5",
        "- [1] score = 2 (simple)\r\n- [2] score = 4.5 (harder)",
        "Score: 2\nScore: 4.5",
        "[\u0661] Score: \u0662\n[2] Score: 4.5",
        "Text 1 - Rating: 2\nText 2 - Rating: 4.5",
    ],
)
def test_scores_go_to_the_text_they_number(reply: str) -> None:
    assert scores_in(reply, 2, 1, 5) == [2.0, 4.5]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("I cannot rate these.", "no score for text 1 of 2"),
        ("[1] Score: 2", "no score for text 2 of 2"),
        ("[1] Score: 2\n[2] Score:", "no score for text 2 of 2"),
        ("[1] Score: 2\n[1] Score: 3\n[2] Score: 1", "more than one score for text 1"),
        ("[1] Score: 2\n[2] Score: 9", "the score of text 2 is '9', not a number from 1 to 5"),
        ("[1] Score: 2\n[2] Score: 3\n[3] Score: 3", "a score for text 3, but there are 2"),
        ("Score: 2\nScore: 3\nScore: 4", "3 scores for 2 texts"),
    ],
)
def test_a_score_that_is_not_there_once_and_on_the_scale_is_named(reply: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        scores_in(reply, 2, 1, 5)


# JSON


SCHEMA = object_of(thought=TEXT, verdict=one_of("yes", "no"))


@pytest.mark.parametrize(
    "reply",
    [
        '{"thought": "Fine.", "verdict": "yes"}',
        'Here it is:\n```json\n{"thought": "Fine.", "verdict": "yes"}\n```\nDone.',
        "{'thought': 'Fine.', 'verdict': 'yes',}",
    ],
)
def test_an_object_is_read_with_what_stands_around_it(reply: str) -> None:
    assert json_object(reply, SCHEMA) == {"thought": "Fine.", "verdict": "yes"}


@pytest.mark.parametrize(
    "reply", ["", "No.", '{"thought": "Fine."}', '{"thought": "Fine.", "verdict": "may']
)
def test_an_object_that_is_not_as_asked_for_is_rejected(reply: str) -> None:
    with pytest.raises(RowRejected, match="holds no JSON object as asked for"):
        json_object(reply, SCHEMA)


def test_a_list_may_have_an_exact_length() -> None:
    schema = object_of(scores=list_of({"type": "integer"}, 2))
    assert json_object('{"scores": [1, 2]}', schema) == {"scores": [1, 2]}
    with pytest.raises(RowRejected):
        json_object('{"scores": [1]}', schema)


def test_properties_that_were_not_asked_for_are_left_out() -> None:
    reply = '{"note": "x", "verdict": "yes", "thought": "Fine."}'
    assert json_object(reply, SCHEMA) == {"thought": "Fine.", "verdict": "yes"}
    open_schema = {"type": "object", "properties": {"thought": TEXT}}
    assert json_object('{"thought": "a", "more": 1}', open_schema) == {"thought": "a", "more": 1}


@pytest.mark.parametrize("reply", ["Fine: yes.", "{thought}: Fine.\n{verdict}: yes", "Use {}."])
def test_a_reply_in_words_holds_no_object_and_is_no_broken_one(reply: str) -> None:
    assert object_in(reply, SCHEMA) is None


def test_an_object_is_found_in_words_and_a_broken_one_is_rejected() -> None:
    reply = 'So: {"thought": "Fine.", "verdict": "yes"}'
    assert object_in(reply, SCHEMA) == {"thought": "Fine.", "verdict": "yes"}
    with pytest.raises(RowRejected, match="holds no JSON object as asked for"):
        object_in('{"thought": "Fine.", "verdict": "may', SCHEMA)


@pytest.mark.parametrize(
    ("reply", "looks"),
    [('{"a": 1}', True), ("\n{ 'a': 1}", True), ("{}", True), ("{a}: b", False), ("[1]", False)],
)
def test_a_name_in_braces_does_not_look_like_json(reply: str, looks: bool) -> None:
    assert looks_like_json(reply) is looks
