"""What the card of a dataset on the Hub says of the split that is pushed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEFAULT = "default"


def with_split(metadata: Mapping[str, Any], split: str) -> dict[str, Any]:
    """Return a card's metadata with a split of the default configuration in `data/<split>-*`.

    What the card says of the columns and sizes of that configuration goes: readers find it out. A
    card that lists no configurations needs no place: readers find the split by its name.
    """
    changed = dict(metadata)
    described = _listed(metadata.get("dataset_info"))
    others = [item for item in described if not _is_default(item)]
    if len(others) < len(described):
        del changed["dataset_info"]
        if others:
            changed["dataset_info"] = others
    if "configs" in metadata:
        changed["configs"] = _placed(_listed(metadata["configs"]), split)
    return changed


def _placed(configurations: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    if not any(map(_is_default, configurations)):
        configurations = [*configurations, {"config_name": _DEFAULT}]
    return [
        {**item, "data_files": _with_place(_listed(item.get("data_files")), split)}
        if _is_default(item)
        else item
        for item in configurations
    ]


def _with_place(files: list[dict[str, Any]], split: str) -> list[dict[str, Any]]:
    place = {"split": split, "path": f"data/{split}-*"}
    if not any(file.get("split") == split for file in files):
        return [*files, place]
    return [place if file.get("split") == split else file for file in files]


def _is_default(item: Mapping[str, Any]) -> bool:
    return bool(item.get("config_name", _DEFAULT) == _DEFAULT)


def _listed(value: Any) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]
