"""Finished datasets without a flow run, for the tests of what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets

from flows import DatasetVersion, Pipeline
from flows.runtime.workspace import Workspace
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents, stage
from llms.home import home
from tasks import LoadDataFromDicts, Outcome, Row
from tasks.frames import frame_of, with_source_keys
from tasks.row import KEY, SourceKeys

datasets.disable_progress_bars()


def version_of(
    *partitions: Sequence[Row], name: str = "numbers", key_columns: tuple[str, ...] | None = None
) -> DatasetVersion:
    """Return a dataset whose only step yielded these rows, in that many partitions."""
    data = [row for rows in partitions for row in rows]
    with Pipeline(name) as pipeline:
        LoadDataFromDicts(name="load", data=data, key_columns=key_columns)
    workspace, keys = Workspace(home()), SourceKeys(key_columns)
    frames = [with_source_keys(frame_of(rows), keys) for rows in partitions]
    written = [workspace.write(Outcome(frame), frame[KEY].to_list()) for frame in frames]
    return DatasetVersion(pipeline, workspace, {"load": written})


def saved(
    folder: Path,
    version: DatasetVersion,
    before: SavedVersion | None = None,
    contents: Contents | None = None,
) -> SavedVersion:
    """Write a version into a new folder, as the one that follows another."""
    folder.mkdir(parents=True)
    return stage(version, folder, contents, before)


def loaded(folder: Path, configuration: str | None = None) -> Any:
    """Load the rows of a folder as any user of `datasets` does."""
    cache = folder.with_name(f"{folder.name}-cache")
    return datasets.load_dataset(str(folder), configuration, split="train", cache_dir=str(cache))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their path in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
