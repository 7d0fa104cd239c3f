"""The metadata of a README as text: what is not changed keeps its quotes, comments and order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

FRONT_MATTER = re.compile(
    r"\A\s*---[ \t]*\r?\n(?P<yaml>(?:.*?\n)?)---[ \t]*(?:\r?\n|\Z)", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of YAML metadata: their values, the lines each is written in, and the lines
    before the first.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    before: str = ""


def entries_of(text: str) -> Entries:
    """Read metadata.

    Raises:
        yaml.YAMLError: it is no YAML, or no mapping.
    """
    values = yaml.safe_load(text)
    if values is None:
        return Entries(before=text)
    if not isinstance(values, dict):
        raise yaml.YAMLError("it is no mapping")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    starts = [key.start_mark.index for key, _ in root.value]
    if root.flow_style or any(index and text[index - 1] != "\n" for index in starts):
        return Entries(values)
    ends = [*starts[1:], len(text)]
    lines = {
        str(key.value): text[start:end]
        for (key, _), start, end in zip(root.value, starts, ends, strict=True)
    }
    return Entries(values, lines, text[: starts[0]])


def written(metadata: Mapping[str, Any], before: Entries) -> str:
    """Write metadata; entries that are as before are the same text."""
    text = before.before + "".join(
        before.lines[name]
        if name in before.lines and before.values.get(name) == value
        else _dumped(name, value)
        for name, value in metadata.items()
    )
    # An entry may refer to another one that is no longer there.
    try:
        same = yaml.safe_load(text) == metadata
    except yaml.YAMLError:
        same = False
    return text if same else "".join(_dumped(name, value) for name, value in metadata.items())


def _dumped(name: str, value: Any) -> str:
    return yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True)
