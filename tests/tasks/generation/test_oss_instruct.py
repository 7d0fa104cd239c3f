"""OSS-Instruct: two sections, found under any dress of their headers, or a reason."""

from __future__ import annotations

import pytest

from llms import Gateway, ScriptedLLM
from llms.errors import RowRejected
from tasks import OSSInstruct
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

SNIPPET = "for line in sys.stdin: {print(line)}"
CLEAN = "[Problem Description]\nWrite f.\n\n[Solution]\n```python\ndef f(): ...\n```"
MADE = {"problem": "Write f.", "solution": "```python\ndef f(): ...\n```"}


def task(reply: str = CLEAN) -> OSSInstruct:
    return OSSInstruct(llm=ScriptedLLM(replies=(reply,)))


def test_by_hand_a_snippet_gives_a_problem_and_its_solution() -> None:
    result = next(task().process([{"code_snippet": SNIPPET}]))
    assert result[0]["problem"] == MADE["problem"]
    assert result[0]["solution"] == MADE["solution"]
    assert result[0]["code_snippet"] == SNIPPET


def test_in_a_pipeline_rows_keep_their_keys(gateway: Gateway) -> None:
    rows = [{"code_snippet": SNIPPET}]
    outcome = applied(task(), rows, gateway)
    assert keys_of(outcome.frame) == keys_of(keyed(rows))
    assert outcome.frame["problem"].to_list() == ["Write f."]


def test_the_snippet_is_in_the_prompt_with_its_braces_and_the_roles_are_two() -> None:
    system, user = task().format_input({"code_snippet": SNIPPET})
    assert (system["role"], user["role"]) == ("system", "user")
    assert SNIPPET in user["content"]
    assert "[Problem Description]" in user["content"]
    assert "[Solution]" in user["content"]


@pytest.mark.parametrize(
    ("problem", "solution"),
    [
        ("[Problem Description]", "[Solution]"),
        ("[problem description]:", "[SOLUTION]:"),
        ("**[Problem Description]**", "**[Solution]**"),
        ("### [Problem Description]", "### [Solution]"),
        ("## Problem Description", "## Solution"),
        ("**Problem Description:**", "**Solution:**"),
        ("Problem:", "Solution:"),
        ("Sure! Here it is.\n\n[Problem Description]", "[ Solution ]"),
        ("[Problem]", "[Solution]"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_headers_may_be_dressed_differently(problem: str, solution: str, newline: str) -> None:
    reply = f"{problem}\nWrite f.\n\n{solution}\n{MADE['solution']}".replace("\n", newline)
    assert task().format_output(reply, {}) == MADE


def test_text_on_the_line_of_a_header_belongs_to_the_section() -> None:
    reply = "[Problem Description] Write f.\n[Solution] Return 1."
    assert task().format_output(reply, {}) == {"problem": "Write f.", "solution": "Return 1."}


def test_a_header_named_inside_a_sentence_or_in_code_is_no_header() -> None:
    reply = (
        "[Problem Description]\nSee the [Solution] below.\n\n[Solution]\nclass Solution:\n"
        "    pass  # as the [Problem Description] says"
    )
    made = task().format_output(reply, {})
    assert made["problem"] == "See the [Solution] below."
    assert made["solution"].startswith("class Solution:")


def test_where_the_brackets_are_kept_a_bare_word_is_text() -> None:
    reply = "[Problem Description]\n## Problem\nWrite f.\n[Solution]\n## Solution\nReturn 1."
    assert task().format_output(reply, {}) == {
        "problem": "## Problem\nWrite f.",
        "solution": "## Solution\nReturn 1.",
    }


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't help with that.", r"no section 'Problem Description'", id="refusal"),
        pytest.param("[Problem Description]\nWrite f", r"no section 'Solution'", id="cut off"),
        pytest.param(
            "Write f.\n[Solution]\nx", r"no section 'Problem Description'", id="no problem"
        ),
        pytest.param(
            "[Problem]\n\n[Solution]\nx", "the problem in the reply is empty", id="empty problem"
        ),
        pytest.param(
            "[Problem]\nx\n[Solution]\n", "the solution in the reply is empty", id="empty solution"
        ),
        pytest.param(f"{CLEAN}\n[Solution]\ny", r"the section 'Solution' 2 times", id="twice"),
        pytest.param("[Solution]\nx\n[Problem]\ny", "comes before", id="wrong order"),
        pytest.param(
            CLEAN.removesuffix("```"),
            "the solution .* breaks off inside a code block",
            id="cut in code",
        ),
    ],
)
def test_a_reply_that_lacks_a_section_is_a_rejection_that_names_it(
    gateway: Gateway, reply: str, reason: str
) -> None:
    with pytest.raises(RowRejected, match=reason):
        task().format_output(reply, {})
    outcome = applied(task(reply), [{"code_snippet": SNIPPET}], gateway)
    assert rows_after(outcome) == []
    assert outcome.rejections[0].raw_reply == reply


@pytest.mark.parametrize("snippet", [None, " "], ids=["null", "blank"])
def test_a_row_without_a_snippet_is_a_rejection(snippet: str | None) -> None:
    with pytest.raises(RowRejected, match="the column 'code_snippet' is"):
        task().format_input({"code_snippet": snippet})
