"""Candidates: staged versions that wait in the workspace to be published."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from urllib.parse import quote

from flows.dataset import DatasetVersion
from flows.publishing.folder import put, staging_beside
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents, stage
from llms.home import home

_KEPT = 3


def stage_candidate(
    version: DatasetVersion, contents: Contents, before: SavedVersion | None
) -> SavedVersion:
    """Stage a finished run in the workspace; of a dataset's older candidates a few are kept.

    Raises:
        PublishingError: the disk does not take it.
    """
    folder = home() / "candidates" / quote(version.name, safe="") / (version.run or "by-hand")
    with staging_beside(folder) as staged:
        saved = stage(version, staged, contents, before)
        put(staged, folder)
    for old in _oldest_last(folder.parent)[_KEPT:]:
        rmtree(old, ignore_errors=True)
    return SavedVersion(folder, saved.manifest, version.graph)


def _oldest_last(folder: Path) -> list[Path]:
    there = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return sorted(there, key=lambda path: path.stat().st_mtime, reverse=True)
