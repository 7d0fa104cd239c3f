"""A model that does what every prompt of the recipes asks, in words that no other answer has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from llms.chat import text_content

_SYLLABLES = ["ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "be", "du", "fa", "gi", "ho", "ja"]


def obliging(body: dict[str, Any]) -> str:
    """Answer a chat request: by its schema if it has one, else by what its last message asks."""
    random = Random(json.dumps([body["messages"], body.get("seed"), body.get("temperature")]))
    prompt = "\n".join(text_content(message) for message in body["messages"])
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema")
    if called := _FUNCTION.search(prompt):
        return _function_call(called["name"], random)
    if schema:
        return json.dumps(_instance(schema, random))
    for asked, answer in _ANSWERS.items():
        if asked in prompt:
            return answer(random)
    return _sentence(random)


def _sentence(random: Random) -> str:
    words = ("".join(random.choices(_SYLLABLES, k=3)) for _ in range(12))
    return f"How would you explain {' '.join(words)}?"


def _solution(random: Random) -> str:
    first, second = random.randrange(2, 9), random.randrange(2, 9)
    return (
        f"Step 1: We have {first} and {second} of them.\n"
        f"Step 2: Together these are {first} + {second} = {first + second}.\n"
        "Step 3: So we know how many.\n"
        "The answer is: 7"
    )


def _function_call(name: str, random: Random) -> str:
    numbers = [random.randrange(1, 100) for _ in range(4)]
    call = {"name": name, "arguments": {"data": numbers}}
    query = f"What is the {name} of {', '.join(map(str, numbers))}?"
    return json.dumps({"pairs": [{"query": query, "answers": [call]}]})


def _instance(schema: dict[str, Any], random: Random) -> Any:
    """Return a value that follows a schema."""
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0], random)
    if "enum" in schema:
        return "yes" if "yes" in schema["enum"] else random.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            return {name: _instance(kind, random) for name, kind in schema["properties"].items()}
        case "array":
            items = schema.get("items", {"type": "string"})
            return [_instance(items, random) for _ in range(schema.get("minItems", 3))]
        case "integer":
            return random.randint(schema.get("minimum", 1), schema.get("maximum", 5))
        case "number":
            return float(random.randint(schema.get("minimum", 1), schema.get("maximum", 5)))
        case "boolean":
            return True
    return _sentence(random)[: schema.get("maxLength", 1_000)]


_FUNCTION = re.compile(r"<function name=\"(?P<name>\w+)\">")

_ANSWERS: dict[str, Callable[[Random], str]] = {
    "[Solution]": lambda random: (
        f"[Problem Description]\n{_sentence(random)}\n\n[Solution]\n```python\nprint(1)\n```"
    ),
    "[Corrected Student Solution]": lambda random: (
        f"[Teacher Reasoning]\nIt lacks a reason.\n\n"
        f"[Corrected Student Solution]\n{_sentence(random)}"
    ),
    "[RESULT]": lambda random: f"Feedback: It is right. [RESULT] {random.randint(1, 5)}",
    "The answer is: X": _solution,
}
"""What a prompt without a schema asks for, by words in it."""
