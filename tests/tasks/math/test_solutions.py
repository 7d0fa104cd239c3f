"""Solutions: steps and final answers, read under any dress, or a reason."""

from __future__ import annotations

import json
import time

import pytest

from llms.errors import RowRejected
from tasks.math.solutions import answer_in, is_answer_alone, solution_in

READ = ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 9", "The answer is: 9"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9", id="clean"),
        pytest.param("Step 1: 2 + 3 = 5\n\nStep 2: 5 + 4 = 9 The answer is: 9", id="one line"),
        pytest.param(
            "Let us see.\n\nStep 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9.", id="words"
        ),
        pytest.param(
            "**Step 1** 2 + 3 = 5\n**Step 2** 5 + 4 = 9\n\n**The answer is: 9**", id="bold"
        ),
        pytest.param(
            "**Step 1:** 2 + 3 = 5\n**Step 2:** 5 + 4 = 9\nThe answer is: **9**", id="bold 2"
        ),
        pytest.param(
            "### Step 1\n2 + 3 = 5\n### Step 2\n5 + 4 = 9\n### Final Answer: 9", id="headings"
        ),
        pytest.param("Step 1 - 2 + 3 = 5\nStep 2 - 5 + 4 = 9\nFinal answer: 9", id="dashes"),
        pytest.param("Step 1. 2 + 3 = 5\nStep 2. 5 + 4 = 9\n#### 9", id="GSM8K"),
        pytest.param("(Step 1) 2 + 3 = 5\n(Step 2) 5 + 4 = 9\nAnswer: 9", id="brackets"),
        pytest.param("1. 2 + 3 = 5\n2. 5 + 4 = 9\nSo the answer is 9.", id="numbers"),
        pytest.param("1) 2 + 3 = 5\n2) 5 + 4 = 9\n\nThe final answer is $9$.", id="numbers 2"),
        pytest.param(
            "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: $\\boxed{9}$", id="boxed"
        ),
        pytest.param(
            "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is:\n\\[\n9\n\\]", id="shown"
        ),
        pytest.param(
            "Step 1: 2 + 3\n= 5\nStep 2: 5 + 4\n = 9\nThe answer is\n9", id="broken lines"
        ),
        pytest.param("STEP 1: 2 + 3 = 5\nstep 2: 5 + 4 = 9\nTHE ANSWER IS: 9", id="letter case"),
        pytest.param(
            "Step \u0661: 2 + 3 = 5\nStep \u0662: 5 + 4 = 9\nThe answer is: 9", id="digits"
        ),
        pytest.param(
            "```\nStep 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9\n```", id="fence"
        ),
        pytest.param(
            "<think>Easy.</think>Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9",
            id="reasoning",
        ),
        pytest.param(
            "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9\n\nTell me if you need more!",
            id="words behind",
        ),
        pytest.param(
            "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nStep 3: The answer is: 9", id="a step of its own"
        ),
    ],
)
def test_steps_are_read_under_any_dress(reply: str, newline: str) -> None:
    assert solution_in(reply.replace("\n", newline)) == READ


@pytest.mark.parametrize(
    "steps",
    [
        ["2 + 3 = 5", "5 + 4 = 9"],
        ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 9"],
        ["2 + 3 = 5", "5 + 4 = 9", "The answer is: 9"],
    ],
    ids=["bare", "numbered", "with the answer"],
)
def test_a_solution_as_json_is_the_same(steps: list[str]) -> None:
    assert solution_in(json.dumps({"steps": steps, "answer": "$9$"})) == READ


def test_latex_whose_backslashes_json_swallowed_is_mended() -> None:
    reply = '{"steps": ["$\\frac{1}{2} \\times 2 = 1$"], "answer": "\\boxed{\\frac{1}{2}}"}'
    assert solution_in(reply) == [
        "Step 1: $\\frac{1}{2} \\times 2 = 1$",
        "The answer is: \\frac{1}{2}",
    ]


@pytest.mark.parametrize(
    ("reply", "steps"),
    [
        pytest.param(
            "Step 1: a. Step 2: b, as step 1: says. Step 3: c. The answer is: 14.4",
            ["Step 1: a.", "Step 2: b, as step 1: says.", "Step 3: c.", "The answer is: 14.4"],
            id="all in one line",
        ),
        pytest.param(
            "1. Two things:\n   1. this\n   2. that\n2. Done.\nThe answer is: 3",
            ["Step 1: Two things: 1. this 2. that", "Step 2: Done.", "The answer is: 3"],
            id="a list inside a step",
        ),
        pytest.param(
            "Step 1: 2**3 = 8 is **power**.\nThe answer is: 8 apples. That was easy.",
            ["Step 1: 2**3 = 8 is power.", "The answer is: 8 apples"],
            id="powers are no marks",
        ),
        pytest.param(
            "Step 1: To find the answer: add.\nStep 2: So $x = \\boxed{\\frac{1}{2}}$.",
            [
                "Step 1: To find the answer: add.",
                "Step 2: So $x = \\boxed{\\frac{1}{2}}$.",
                "The answer is: \\frac{1}{2}",
            ],
            id="a box alone",
        ),
        pytest.param(
            "Step 1: The answer is: 5", ["Step 1: The answer is: 5", "The answer is: 5"], id="one"
        ),
    ],
)
def test_what_a_careful_person_could_read_is_read(reply: str, steps: list[str]) -> None:
    assert solution_in(reply) == steps


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", "the reply is empty", id="empty"),
        pytest.param("I can't help with that.", "has no steps", id="refusal"),
        pytest.param("It is nine.", "has no steps", id="no steps"),
        pytest.param("Step 1: 2 + 3 = 5\nStep 2: 5 +", "has no final answer", id="cut off"),
        pytest.param(
            "Step 1: the answer is 5 so far\nStep 2: 5 +", "has no final answer", id="cut off 2"
        ),
        pytest.param("Step 1:\nStep 2: b\nThe answer is: 3", "step 1 .* is empty", id="empty step"),
        pytest.param("Step 2: b\nThe answer is: 3", "begins with step 2", id="first step missing"),
        pytest.param(
            "Step 1: a\nThe answer is: 3\n---\nStep 1: b\nThe answer is: 4",
            "more than one solution",
            id="two solutions",
        ),
        pytest.param('{"steps": [], "answer": "3"}', "has no steps", id="JSON without steps"),
        pytest.param('{"steps": ["a"], "answer": " "}', "no final answer", id="JSON, no answer"),
        pytest.param('{"solution": "Step 1: a"}', "no JSON object as asked for", id="other JSON"),
    ],
)
def test_a_reply_that_is_no_solution_is_refused_with_a_reason(reply: str, reason: str) -> None:
    with pytest.raises(RowRejected, match=reason):
        solution_in(reply)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Step 3: 2 * 2 = 4\nThe answer is: 4", "4"),
        ("The answer is: 4", "4"),
        ("So we get \\boxed{x^{2}} and, by the way, \\boxed{y_{1}}.", "y_{1}"),
        ('{"steps": [], "answer": "4"}', "4"),
        ("The answer is 4 at first.\nStep 5: But no.\nThe answer is: 5", "5"),
        ("The answer to the question is $1,000.", "$1,000"),
        ("The answer is: \\(\\frac{1}{2}\\).", "\\frac{1}{2}"),
    ],
)
def test_the_answer_of_a_completion_is_read_without_the_first_steps(
    reply: str, answer: str
) -> None:
    assert answer_in(reply) == answer


@pytest.mark.parametrize("reply", ["", "Step 3: 2 * 2 = ", "4", "I cannot continue."])
def test_a_completion_without_a_final_answer_is_refused(reply: str) -> None:
    with pytest.raises(RowRejected):
        answer_in(reply)


@pytest.mark.parametrize(
    ("step", "alone"),
    [
        ("The answer is: 9", True),
        ("Therefore, the answer is 9.", True),
        ("Step 3: 5 + 4 = 9. The answer is: 9", False),
        ("Step 3: 5 + 4 = 9", False),
        ("9", False),
    ],
)
def test_an_answer_alone_is_told_from_a_step_with_an_answer(step: str, alone: bool) -> None:
    assert is_answer_alone(step) is alone


@pytest.mark.parametrize(
    "reply",
    ["Step 1: " + piece * 5_000 for piece in (" ", "* ", "\\[", "{", "step 2:", "\n", "\\boxed{")]
    + ["Step 1: a\nThe answer is: " + "* " * 5_000],
)
def test_a_model_that_repeats_itself_takes_no_long_time_to_read(reply: str) -> None:
    started = time.perf_counter()
    with pytest.raises(RowRejected):
        solution_in(reply)
    assert time.perf_counter() - started < 5
