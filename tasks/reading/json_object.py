"""Replies that are asked for as JSON, and the schemas that ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llms.errors import RowRejected
from llms.structured import Unfit, read

Schema = dict[str, Any]
"""A JSON schema."""

TEXT: Schema = {"type": "string"}


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

    Raises:
        RowRejected: it holds none that follows the schema.
    """
    try:
        value: dict[str, Any] = read(reply, schema)
    except Unfit as error:
        reason = str(error).rstrip(".")
        raise RowRejected(f"the reply holds no JSON object as asked for: {reason}") from error
    return value


def looks_like_json(reply: str) -> bool:
    """Tell whether a reply begins as a JSON object does."""
    return reply.lstrip().startswith("{")
