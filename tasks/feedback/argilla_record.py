"""Records of an Argilla dataset, in the form in which Argilla writes them out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from llms.errors import RowRejected

_NEEDED = {
    "question": ("name", "title", "description", "settings"),
    "fields": ("name", "required"),
    "example_records": ("fields", "responses"),
}


def serialised(what: str, value: Any) -> Any:
    """Return what is needed of an Argilla object or of its serialised form, without ids and times.

    `what` it is: question, fields or example_records.
    """
    if isinstance(value, list):
        return [serialised(what, item) for item in value]
    for method in ("serialize", "to_dict"):
        if hasattr(value, method):
            value = getattr(value, method)()
    if not isinstance(value, Mapping):
        return value
    needed = {name: value[name] for name in _NEEDED[what] if value.get(name) is not None}
    if "responses" in needed:
        needed["responses"] = {name: _values(value, name) for name in needed["responses"]}
    return needed


def shown_fields(record: Any, fields: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Return the fields of a record to show, all of them if none are given.

    Raises:
        RowRejected: it is no record, or lacks a field that is required.
    """
    values = record.get("fields") if isinstance(record, Mapping) else None
    if not isinstance(values, Mapping):
        raise RowRejected("the column 'record' holds no record, which is a struct with 'fields'")
    shown = {}
    for field in fields or [{"name": name, "required": False} for name in values]:
        value = values.get(field["name"])
        if value is not None:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            shown[field["name"]] = text
        elif field.get("required", True):
            raise RowRejected(f"the record has no field {field['name']!r}")
    if not shown:
        raise RowRejected("the record has no fields")
    return shown


def response(record: Mapping[str, Any], question: str) -> Any:
    """Return the first response of a record to a question, None without one."""
    return next((item["value"] for item in _values(record, question)), None)


def _values(record: Mapping[str, Any], question: str) -> list[dict[str, Any]]:
    responses = (record.get("responses") or {}).get(question) or ()
    return [{"value": item["value"]} for item in responses if item.get("value") is not None]
