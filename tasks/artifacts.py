"""Files that a step saves beside the dataset: an index, a fitted model, a picture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

_FOLDER: ContextVar[Path | None] = ContextVar("artifact_folder", default=None)


@contextmanager
def artifacts_in(folder: Path) -> Iterator[None]:
    """Save the artifacts of the step that works inside the block under a folder."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


def save_artifact(
    name: str, write: Callable[[Path], None], metadata: Mapping[str, Any] | None = None
) -> None:
    """Let `write` fill the folder of an artifact; outside a run nothing is saved.

    `metadata` is written beside it as `metadata.json`.
    """
    folder = _FOLDER.get()
    if folder is None:
        return
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    write(place)
    if metadata is not None:
        text = json.dumps(dict(metadata), ensure_ascii=False, indent=2, default=str)
        (place / "metadata.json").write_text(text + "\n", encoding="utf-8")
