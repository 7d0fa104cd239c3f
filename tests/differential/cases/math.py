"""Solutions in steps, and labels for the steps."""

from __future__ import annotations

from tests.differential.case import Case

SUM = {"instruction": "What is 2 + 3 + 4?"}

RIGHT = "Step 1: 2 + 3 = 5\nStep 2: 5 + 4 = 9\nThe answer is: 9"

WRONG = "Step 1: 3 + 4 = 8\nStep 2: 8 + 2 = 10\nThe answer is: 10"

STEPS = ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 9", "The answer is: 9"]

WRONG_STEPS = ["Step 1: 3 + 4 = 8", "Step 2: 8 + 2 = 10", "The answer is: 10"]

OTHER_STEPS = ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 8", "The answer is: 8"]

NINE = '{"solutions": [{"solution": "Step 1: 9\\nThe answer is: 9"}]}'

OUR_NINE = '{"steps": ["9"], "answer": "9"}'

OUR_EIGHT = '{"steps": ["8"], "answer": "8"}'

SOLVED = {**SUM, "solutions": [STEPS, WRONG_STEPS], "golden_solution": STEPS}

CASES = (
    Case("MathShepherdGenerator", "one solution", rows=[SUM], replies=[RIGHT]),
    Case(
        "MathShepherdGenerator",
        "a preamble",
        rows=[SUM],
        replies=[f"Let us see.\n\n{RIGHT}"],
    ),
    Case(
        "MathShepherdGenerator",
        "blank lines between the steps",
        rows=[SUM],
        replies=[RIGHT.replace("\n", "\n\n")],
    ),
    Case("MathShepherdGenerator", "no steps", rows=[SUM], replies=["It is nine."]),
    Case("MathShepherdGenerator", "no reply", rows=[SUM], replies=[None]),
    Case(
        "MathShepherdGenerator",
        "two solutions",
        rows=[SUM],
        replies=[f"{RIGHT}\n---\n{WRONG}"],
        our_replies=[RIGHT, WRONG],
        parameters={"M": 2},
    ),
    Case(
        "MathShepherdGenerator",
        "fewer solutions than asked for",
        rows=[SUM],
        replies=[RIGHT],
        parameters={"M": 2},
    ),
    Case(
        "MathShepherdGenerator",
        "two generations",
        rows=[SUM],
        replies=[RIGHT, WRONG],
        parameters={"num_generations": 2},
    ),
    Case(
        "MathShepherdGenerator",
        "one solution as JSON",
        rows=[SUM],
        replies=[NINE],
        our_replies=[OUR_NINE],
        parameters={"use_default_structured_output": True},
    ),
    Case(
        "MathShepherdGenerator",
        "two solutions as JSON",
        rows=[SUM],
        replies=[
            '{"solutions": [{"solution": "Step 1: 9\\nThe answer is: 9"}, '
            '{"solution": "Step 1: 8\\nThe answer is: 8"}]}'
        ],
        our_replies=[OUR_NINE, OUR_EIGHT],
        parameters={"use_default_structured_output": True, "M": 2},
    ),
    Case(
        "MathShepherdCompleter",
        "a right and a wrong solution",
        rows=[SOLVED],
        replies=["Step 2: 5 + 4 = 9\nThe answer is: 9", "Step 2: 8 + 2 = 10\nThe answer is: 10"],
    ),
    Case(
        "MathShepherdCompleter",
        "two solutions that begin alike",
        rows=[{**SOLVED, "solutions": [STEPS, OTHER_STEPS]}],
        replies=["Step 2: 5 + 4 = 9\nThe answer is: 9", "Step 2: 5 + 4 = 8\nThe answer is: 8"],
    ),
    Case(
        "MathShepherdCompleter",
        "two completions of a step",
        rows=[{**SOLVED, "solutions": [STEPS]}],
        replies=["Step 2: 8\nThe answer is: 8\n---\nStep 2: 9\nThe answer is: 9"],
        our_replies=["Step 2: 8\nThe answer is: 8", "Step 2: 9\nThe answer is: 9"],
        parameters={"N": 2},
    ),
    Case(
        "MathShepherdCompleter",
        "tags of one's own",
        rows=[{**SOLVED, "solutions": [STEPS]}],
        replies=["Step 2: 5 + 4 = 9\nThe answer is: 9"],
        parameters={"tags": ["y", "n"]},
    ),
    Case(
        "MathShepherdCompleter",
        "a completion without steps",
        rows=[{**SOLVED, "solutions": [STEPS]}],
        replies=["It is nine."],
    ),
    Case(
        "MathShepherdCompleter",
        "a completion with a wrong answer",
        rows=[{**SOLVED, "solutions": [STEPS]}],
        replies=["Step 2: 5 + 4 = 10\nThe answer is: 10"],
    ),
    Case(
        "MathShepherdCompleter",
        "solutions of two steps",
        rows=[{**SUM, "solutions": [STEPS[1:]], "golden_solution": STEPS[1:]}],
    ),
    Case(
        "MathShepherdCompleter",
        "completions as JSON",
        rows=[{**SOLVED, "solutions": [STEPS]}],
        replies=[NINE],
        our_replies=[OUR_NINE],
        parameters={"use_default_structured_output": True},
    ),
)
