"""The APIGen family: questions with function calls, run and judged."""

from __future__ import annotations

import json

from tests.differential.case import Case

FUNCTION = {
    "examples": "## Query:\nAdd 1 and 2.\n## Answers:\n[]",
    "func_name": "add",
    "func_desc": "Adds two whole numbers.",
}

PAIR = {
    "query": "Add 2 and 3.",
    "answers": [{"name": "add", "arguments": {"a": "2", "b": "3"}}],
}

CALL = json.dumps(PAIR["answers"])

TOOLS = '''\
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def subtract(a: int, b: int) -> int:
    return a - b


def greet() -> str:
    return "hello"


def shout(text: str) -> str:
    return text.upper()


def leave() -> None:
    import sys

    sys.exit(1)
'''

LIBRARY = {"libpath": "{folder}/tools.py"}

JUDGED = {
    "func_desc": "Adds two whole numbers.",
    "query": "Add 2 and 3.",
    "answers": CALL,
    "execution_result": ["5"],
    "keep_row_after_execution_check": True,
}


def called(*calls: dict[str, object] | None) -> dict[str, object]:
    """Return the row that holds some calls."""
    return {"answers": json.dumps(list(calls))}


CASES = (
    Case("APIGenGenerator", "one pair", rows=[FUNCTION], replies=[json.dumps([PAIR])]),
    Case(
        "APIGenGenerator",
        "with tools",
        rows=[{**FUNCTION, "tools": '[{"name": "add"}]'}],
        replies=[json.dumps([PAIR])],
    ),
    Case(
        "APIGenGenerator",
        "inside a fence",
        rows=[FUNCTION],
        replies=[f"```\n{json.dumps([PAIR])}\n```"],
    ),
    Case(
        "APIGenGenerator",
        "inside a fence that says json",
        rows=[FUNCTION],
        replies=[f"```json\n{json.dumps([PAIR])}\n```"],
    ),
    Case("APIGenGenerator", "an object, not a list", rows=[FUNCTION], replies=[json.dumps(PAIR)]),
    Case(
        "APIGenGenerator",
        "more pairs than asked for",
        rows=[FUNCTION],
        replies=[json.dumps([PAIR, {**PAIR, "query": "Add 4 and 5."}])],
    ),
    Case("APIGenGenerator", "no JSON", rows=[FUNCTION], replies=["I would rather not."]),
    Case("APIGenGenerator", "no reply", rows=[FUNCTION], replies=[None]),
    Case(
        "APIGenGenerator",
        "as JSON that follows the schema",
        rows=[FUNCTION],
        replies=[json.dumps({"pairs": [PAIR]})],
        parameters={"use_default_structured_output": True},
    ),
    Case(
        "APIGenGenerator",
        "two generations",
        rows=[FUNCTION],
        replies=[json.dumps([PAIR]), json.dumps([{**PAIR, "query": "Add 4 and 5."}])],
        parameters={"num_generations": 2},
    ),
    Case(
        "APIGenExecutionChecker",
        "a call with numbers",
        rows=[called({"name": "add", "arguments": {"a": 2, "b": 3}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a call with numbers written as text",
        rows=[called({"name": "add", "arguments": {"a": "2", "b": "3"}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a call with a text",
        rows=[called({"name": "shout", "arguments": {"text": "hello there"}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a call with a text that looks like a number",
        rows=[called({"name": "shout", "arguments": {"text": "2"}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a call without arguments",
        rows=[called({"name": "greet", "arguments": {}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "two calls",
        rows=[
            called(
                {"name": "greet", "arguments": {}},
                {"name": "add", "arguments": {"a": 2, "b": 3}},
            )
        ],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "arguments in another order",
        rows=[called({"name": "subtract", "arguments": {"b": 2, "a": 3}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "no such function",
        rows=[called({"name": "multiply", "arguments": {}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a call that fails",
        rows=[called({"name": "add", "arguments": {"a": 2}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "a dangerous function",
        rows=[called({"name": "leave", "arguments": {}})],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "an answer that was never made",
        rows=[called(None)],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "no answers",
        rows=[{"answers": ""}],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenExecutionChecker",
        "broken JSON",
        rows=[{"answers": "[{"}],
        files={"tools.py": TOOLS},
        parameters=LIBRARY,
    ),
    Case(
        "APIGenSemanticChecker",
        "it passes",
        rows=[JUDGED],
        replies=['{"thought": "The sum is right.", "passes": "yes"}'],
    ),
    Case(
        "APIGenSemanticChecker",
        "it does not pass",
        rows=[JUDGED],
        replies=['{"thought": "The sum is wrong.", "passes": "No"}'],
    ),
    Case(
        "APIGenSemanticChecker",
        "inside a fence",
        rows=[JUDGED],
        replies=['```\n{"thought": "The sum is right.", "passes": "yes"}\n```'],
    ),
    Case(
        "APIGenSemanticChecker",
        "inside a fence that says json",
        rows=[JUDGED],
        replies=['```json\n{"thought": "The sum is right.", "passes": "yes"}\n```'],
    ),
    Case(
        "APIGenSemanticChecker",
        "neither yes nor no",
        rows=[JUDGED],
        replies=['{"thought": "Hm.", "passes": "maybe"}'],
    ),
    Case(
        "APIGenSemanticChecker",
        "true for yes",
        rows=[JUDGED],
        replies=['{"thought": "The sum is right.", "passes": true}'],
    ),
    Case(
        "APIGenSemanticChecker",
        "a key that nobody asked for",
        rows=[JUDGED],
        replies=['{"thought": "The sum is right.", "passes": "yes", "score": 3}'],
    ),
    Case("APIGenSemanticChecker", "no JSON", rows=[JUDGED], replies=["It passes."]),
    Case("APIGenSemanticChecker", "no reply", rows=[JUDGED], replies=[None]),
    Case(
        "APIGenSemanticChecker",
        "a row that failed to run",
        rows=[{**JUDGED, "execution_result": ["error"], "keep_row_after_execution_check": False}],
        replies=['{"thought": "It failed.", "passes": "no"}'],
    ),
)
