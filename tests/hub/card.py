"""What the Hub thinks of a dataset's card."""

from __future__ import annotations

import re
from typing import Any

import yaml

_METADATA = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$", re.DOTALL | re.MULTILINE)
_LISTS = ("configs", "tags", "task_categories", "size_categories")


def metadata_in(card: str) -> str:
    """Return the YAML at the beginning of a card, empty if there is none."""
    found = _METADATA.match(card)
    return found[1] if found else ""


def errors_in(card: str) -> list[str]:
    """Return what the Hub refuses a card for."""
    try:
        metadata = yaml.safe_load(metadata_in(card))
    except yaml.YAMLError as error:
        return [" ".join(f"YAML is not valid: {error}".split())]
    if metadata is None:
        return []
    if not isinstance(metadata, dict):
        return ["the metadata is no mapping"]
    errors = [
        f'"{key}" must be an array'
        for key in _LISTS
        if key in metadata and not isinstance(metadata[key], list)
    ]
    configurations = metadata.get("configs")
    if isinstance(configurations, list) and not _mappings(configurations):
        errors.append('"configs" must be an array of objects')
    information = metadata.get("dataset_info", {})
    if not isinstance(information, dict) and not _mappings(information):
        errors.append('"dataset_info" must be an object or an array of objects')
    return errors


def _mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
