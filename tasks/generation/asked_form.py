"""The form that a row asks its answer to have: a JSON schema, or a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llms.errors import ConfigurationError, RowRejected
from llms.structured import as_schema
from tasks.chats import required_text
from tasks.reading.json_object import Schema
from tasks.row import Row

_PARTS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.", re.DOTALL)
_RANGES = {r"\d": "0-9", r"\w": "A-Za-z0-9_", r"\s": r" \t\n"}


@dataclass(frozen=True, slots=True)
class AskedForm:
    """One of both: the `schema` of an object, or the `regex` that a whole text matches."""

    schema: Schema | None = None
    regex: re.Pattern[str] | None = None


def asked_form(row: Row, column: str) -> AskedForm:
    """Return what a column asks for, `{"format": "json" or "regex", "schema": ...}`.

    The column, and a schema in it, may be JSON text. What is null counts as left out: a struct has
    the fields of all rows.

    Raises:
        RowRejected: it asks for nothing, or for something that is not valid.
    """
    asked = _from_json(row.get(column), f"the column {column!r}")
    if asked is None:
        raise RowRejected(f"the column {column!r} is null")
    if not isinstance(asked, Mapping) or asked.get("schema") is None:
        raise RowRejected(f"the column {column!r} has not both 'format' and 'schema'")
    match asked.get("format"):
        case "json":
            return AskedForm(schema=_schema(_from_json(asked["schema"], "the schema")))
        case "regex":
            return AskedForm(regex=_regex(asked["schema"]))
        case other:
            raise RowRejected(f"the format {other!r} is neither 'json' nor 'regex'")


def in_full(regex: str) -> str:
    r"""Write \d, \w and \s out, which the grammars of llama.cpp do not know."""

    def written(part: re.Match[str]) -> str:
        if part[0] in _RANGES:
            return f"[{_RANGES[part[0]]}]"
        inside = part[0].startswith("[")
        return re.sub(r"\\.", lambda e: _RANGES.get(e[0], e[0]), part[0]) if inside else part[0]

    return _PARTS.sub(written, regex)


def _schema(value: Any) -> Schema | None:
    try:
        return as_schema(_without_nulls(value))
    except ConfigurationError as error:
        raise RowRejected(f"the schema cannot be used: {error}") from error


def _regex(value: Any) -> re.Pattern[str]:
    try:
        return re.compile(required_text(value, "the regular expression"))
    except re.error as error:
        raise RowRejected(f"the regular expression is not valid: {error}") from error


def _from_json(value: Any, what: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise RowRejected(f"{what} is text, but not JSON: {error}") from error


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
