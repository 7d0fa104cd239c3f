"""Calls of functions as JSON: a list of objects with `name` and `arguments`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llms.errors import RowRejected

_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function with arguments by name, which are JSON values."""

    name: str
    arguments: dict[str, Any]


def calls_in(value: str, what: str) -> list[Call]:
    """Return the calls that a JSON text holds; `what` says where it comes from.

    Raises:
        RowRejected: it is no JSON list of calls.
    """
    try:
        found = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise RowRejected(f"{what} is no JSON: {error}") from error
    return calls_of(found, what)


def calls_of(value: Any, what: str) -> list[Call]:
    """Return the calls that a JSON value is.

    Raises:
        RowRejected: it is no list of calls.
    """
    if not isinstance(value, list):
        raise RowRejected(f"{what} is no list of calls but {value!r:.80}")
    return [_call(item, f"call {number} of {what}") for number, item in enumerate(value, 1)]


def as_json(calls: Sequence[Call]) -> str:
    """Write calls down."""
    plain = [{"name": call.name, "arguments": call.arguments} for call in calls]
    return json.dumps(plain, ensure_ascii=False)


def _call(item: Any, what: str) -> Call:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not item["name"]:
        raise RowRejected(f"{what} has no name of a function: {item!r:.80}")
    arguments = item.get("arguments")
    if isinstance(arguments, str):  # as chat APIs write them
        try:
            arguments = json.loads(arguments)
        except (ValueError, RecursionError):
            arguments = item["arguments"]
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise RowRejected(f"the arguments of {what} are no object but {arguments!r:.80}")
    if _is_deeper(arguments, _DEEPEST):
        raise RowRejected(f"the arguments of {what} nest too deep")
    return Call(item["name"], arguments)


def _is_deeper(value: Any, levels: int) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)
