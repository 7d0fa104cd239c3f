"""Replies that hold queries, each with the calls that answer it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from llms.errors import RowRejected
from tasks.chats import required_text
from tasks.function_calling.calls import Call, calls_in, calls_of
from tasks.reading.json_object import Schema, json_object, list_of, looks_like_json, object_of
from tasks.reading.labels import folded
from tasks.reading.plain import plain
from tasks.reading.sections import Section, sections_in

_ANY_OBJECT: Schema = {"type": "object"}
_LIST = re.compile(r"[^{]*?(?P<list>\[\s*\{.*\])", re.DOTALL)
_SECTIONS = (Section("query", "Query"), Section("answers", "Answers"))
_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the calls that answer it."""

    query: str
    calls: list[Call]


def pairs_in(reply: str | None, names: Collection[str]) -> list[Pair]:
    """Return the pairs that a reply holds, of those with the same query the first.

    It is `{"pairs": [...]}`, a list of pairs or one pair, also with fences and prose around it, or
    has "Query:" and "Answers:" above them. All functions that are called must be among the names.

    Raises:
        RowRejected: it holds none, or something is wrong with one.
    """
    pairs: dict[str, Pair] = {}
    for number, item in enumerate(_items(plain(reply)), 1):
        pair = _pair(item, f"pair {number}", names)
        pairs.setdefault(folded(pair.query), pair)
    return list(pairs.values())


def pairs_schema(names: Collection[str], count: int) -> Schema:
    """Return the JSON schema of an object with that many pairs."""
    name = {"type": "string", "enum": list(names)}
    call = object_of(name=name, arguments={"type": "object"})
    pair = object_of(query={"type": "string"}, answers={**list_of(call), "minItems": 1})
    return object_of(pairs=list_of(pair, count))


def _items(text: str) -> list[Any]:
    starts = [match.start() for match in _SECTIONS[0].pattern.finditer(text)]
    if starts and not looks_like_json(text):
        blocks = [text[start:end] for start, end in pairwise([*starts, len(text)])]
        found = [sections_in(block, _SECTIONS) for block in blocks]
        return [{**pair, "answers": plain(pair["answers"])} for pair in found]
    listed = _LIST.match(text)
    if listed is not None:
        bare = _STRINGS.sub("", text[listed.start("list") :])
        if bare.count("[") != bare.count("]") or bare.count("{") != bare.count("}"):
            raise RowRejected("the reply ends before its JSON list is complete")
        text = f'{{"pairs": {listed["list"]}}}'
    held = json_object(text, _ANY_OBJECT)
    items = held.get("pairs", [held] if "query" in held else None)
    if not isinstance(items, list) or not items:
        raise RowRejected("the reply holds no JSON object with a list 'pairs'")
    return items


def _pair(item: Any, what: str, names: Collection[str]) -> Pair:
    if not isinstance(item, dict):
        raise RowRejected(f"{what} is no object with query and answers: {item!r:.80}")
    query = required_text(item.get("query"), f"the query of {what}").strip()
    answers, where = item.get("answers"), f"the answers of {what}"
    calls = calls_in(answers, where) if isinstance(answers, str) else calls_of(answers, where)
    if not calls:
        raise RowRejected(f"{where} hold no call")
    for call in calls:
        if call.name not in names:
            known = ", ".join(map(repr, sorted(names)))
            raise RowRejected(
                f"{what} calls {call.name!r:.80}, and the functions are: {known:.500}"
            )
    return Pair(query, calls)
