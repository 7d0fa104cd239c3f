"""Rewritten texts: read without their dress, and told from failures."""

from __future__ import annotations

import pytest

from llms.errors import RowRejected
from tasks.evolution.rewritten import refuse_poor_answer, rewritten_in

OLD = "Name a river."
NEW = "Name a river in Saxony."


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(NEW, id="clean"),
        pytest.param(f"\n  {NEW}\r\n", id="space"),
        pytest.param(f"#Rewritten Prompt#:\n{NEW}", id="heading of the paper"),
        pytest.param(f"#Rewritten Prompt#\n{NEW}", id="heading without a colon"),
        pytest.param(f"Prompt#: {NEW}", id="half a heading"),
        pytest.param(f"**Rewritten instruction:** {NEW}", id="bold label"),
        pytest.param(f"## New Instruction\n\n{NEW}", id="markdown heading"),
        pytest.param(f"[Instruction]\r\n{NEW}", id="our own heading, CRLF"),
        pytest.param(f"Instruction\uff1a{NEW}", id="full-width colon"),
        pytest.param(f"Sure! Here is a harder version:\n\n{NEW}", id="introduction"),
        pytest.param(f"Here's the rewritten instruction:\n{NEW}", id="introduction 2"),
        pytest.param(f"Here is the new prompt:\n\n**Prompt:** {NEW}", id="introduction and label"),
        pytest.param(
            f"[Instructions]\n\nHere is the new one, a question:\n\n[Instruction]\n{NEW}", id="all"
        ),
        pytest.param(f"```\n{NEW}\n```", id="fence"),
        pytest.param(f"```text\n{NEW}\n```", id="fence with a language"),
        pytest.param(f'"{NEW}"', id="quotation marks"),
        pytest.param(f"\u201c{NEW}\u201d", id="curly quotation marks"),
        pytest.param(f"<think>Harder, then.</think>\n{NEW}", id="reasoning"),
    ],
)
def test_what_stands_around_the_text_is_left_out(reply: str) -> None:
    assert rewritten_in(reply, [OLD]) == NEW


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("Question: why?", "Question: why, and how?", id="label"),
        pytest.param('"Why?"', '"Why, and how?"', id="quotation marks"),
        pytest.param(
            "Here is a question:\nWhy?", "Here is a question:\nWhy, and how?", id="introduction"
        ),
        pytest.param(OLD, '"Alas" rhymes with what, and "river"?', id="quotations inside"),
        pytest.param(OLD, "Sort this:\n```\n3 1 2\n```", id="code inside"),
        pytest.param(
            OLD, "Request a refund from\na river cruise line.", id="a word like a heading"
        ),
        pytest.param(OLD, "Here is a table of lengths:\n| Elbe | 1094 |\nWhich?", id="data"),
        pytest.param(OLD, "I can't name a river in Saxony. Can you?", id="like a refusal"),
        pytest.param(OLD, "I'm sorry that I missed the river. Write a note.", id="like an apology"),
    ],
)
def test_what_belongs_to_the_text_stays(old: str, new: str) -> None:
    assert rewritten_in(new, [old]) == new


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param(" \n", "the reply is empty", id="blank"),
        pytest.param("...!", "holds no words", id="punctuation"),
        pytest.param("#Rewritten Prompt#:\n", "holds no words", id="heading alone"),
        pytest.param("<think>Hm</think>", "reasoning but no answer", id="reasoning alone"),
        pytest.param("<think>Hm, let me", "reasoning but no answer", id="cut in reasoning"),
        pytest.param(OLD, "repeats the text", id="equal"),
        pytest.param("name  a RIVER", "repeats the text", id="equal but for case and marks"),
        pytest.param(f"Instruction: {OLD}", "repeats the text", id="equal under a label"),
        pytest.param("I'm sorry, but I can't do this.", "is a refusal", id="sorry"),
        pytest.param("I am so sorry, I won't.", "is a refusal", id="so sorry"),
        pytest.param("Sorry, I can't.", "is a refusal", id="short sorry"),
        pytest.param("I cannot help with that request.", "is a refusal", id="cannot"),
        pytest.param("I can\u2019t assist with that.", "is a refusal", id="curly apostrophe"),
        pytest.param("As an AI model, I only answer.", "is a refusal", id="as an AI"),
        pytest.param(
            f"{NEW} The rewritten prompt adds a place.", "speaks of the rewriting", id="comment"
        ),
        pytest.param(f"{NEW}\n\n[Instruction]\n{OLD}", r"'\[Instruction\]'", id="copied header"),
        pytest.param("Improve #Given Prompt# in Saxony.", "'Given Prompt'", id="copied marks"),
    ],
)
def test_a_failed_rewriting_is_refused_with_a_reason(reply: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        rewritten_in(reply, [OLD])


def test_a_text_of_an_earlier_round_is_a_repetition_too() -> None:
    with pytest.raises(RowRejected, match="repeats"):
        rewritten_in(OLD, [OLD, NEW])


def test_words_of_the_prompt_may_stand_where_they_stood_before() -> None:
    old = "Shorten the given prompt: be brief."
    assert rewritten_in(f"{old} And kind.", [old]) == f"{old} And kind."


def test_a_refusal_that_is_rewritten_may_stay_one() -> None:
    old = "I'm sorry, but I can't help you with that."
    new = "I'm sorry, but I can't tell you how to pick a lock; a locksmith can help."
    assert rewritten_in(new, [old]) == new


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("The Elbe.", id="words"),
        pytest.param("42", id="a number"),
        pytest.param("Yes.", id="yes"),
        pytest.param("Sorry to say, " + "it is a long story. " * 20, id="a long apology"),
    ],
)
def test_an_answer_that_says_something_is_good(answer: str) -> None:
    refuse_poor_answer(answer, OLD)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("I'm sorry, I do not know any.", "is an apology", id="apology"),
        pytest.param("It is the.", "says nothing", id="stop words"),
        pytest.param("?!", "says nothing", id="marks"),
    ],
)
def test_an_answer_that_apologises_or_says_nothing_is_poor(answer: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        refuse_poor_answer(answer, OLD)


def test_an_apology_that_was_asked_for_is_good() -> None:
    refuse_poor_answer("I am sorry that I was late.", "Write an apology to a friend.")
