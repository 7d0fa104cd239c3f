"""Replies that are asked for as JSON, and the schemas that ask for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from llms.errors import RowRejected
from llms.structured import Unfit, read
from tasks.chats import required_text

Schema = dict[str, Any]
"""A JSON schema."""

TEXT: Schema = {"type": "string"}

_START = re.compile(r"""\{\s*["'\u201c}]""")


def object_of(**properties: Schema) -> Schema:
    """Return the schema of an object that has exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def list_of(items: Schema, count: int | None = None) -> Schema:
    """Return the schema of a list; with a `count` it has exactly that many items."""
    exact = {} if count is None else {"minItems": count, "maxItems": count}
    return {"type": "array", "items": items, **exact}


def one_of(*values: Any) -> Schema:
    """Return the schema of a value that is one of some texts or whole numbers."""
    return {"type": "string" if isinstance(values[0], str) else "integer", "enum": list(values)}


def json_object(reply: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object that a reply holds, also with fences and prose around it.

    Where the schema allows no other properties, those that come anyway are left out.

    Raises:
        RowRejected: it holds none that follows the schema.
    """
    closed = schema.get("additionalProperties") is False
    lenient = {k: v for k, v in schema.items() if k != "additionalProperties"} if closed else schema
    try:
        value: dict[str, Any] = read(reply, lenient)
    except Unfit as error:
        reason = str(error).rstrip(".")
        raise RowRejected(f"the reply holds no JSON object as asked for: {reason}") from error
    return {k: value[k] for k in schema["properties"] if k in value} if closed else value


def object_in(reply: str, schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the JSON object that a reply holds, None for a reply in words.

    Raises:
        RowRejected: it begins as a JSON object and holds none that follows the schema.
    """
    if "{" not in reply:
        return None
    try:
        return json_object(reply, schema)
    except RowRejected:
        if looks_like_json(reply):
            raise
        return None


def texts_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of an object, without the space around them.

    Raises:
        RowRejected: one is empty.
    """
    texts = {name: required_text(text, f"the {name} in the reply") for name, text in found.items()}
    return {name: text.strip() for name, text in texts.items()}


def looks_like_json(reply: str) -> bool:
    """Tell whether a reply begins as a JSON object does."""
    return _START.match(reply.lstrip()) is not None
