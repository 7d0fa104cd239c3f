"""A published version comes back into a folder: whole and verified, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from flows.publishing.errors import PublishingError
from flows.publishing.folder import put, staging_beside, write_files
from flows.publishing.verified import broken_files, check_manifest, has, some_of
from flows.versions.manifest import MANIFEST, read_manifest
from flows.versions.saved import SavedVersion

Download = Callable[[list[str], Path], None]
"""Puts files, named by their path in the version, below a folder."""


def bring(
    small: Mapping[str, bytes], download: Download, folder: Path, place: str
) -> SavedVersion | None:
    """Make a folder the version that is published at a place; None if that is none of ours.

    `small` are the manifest and the files that it does not list, by path. What the folder has
    already with the right digest is not downloaded.

    Raises:
        PublishingError: a file is not what the manifest says, or the disk does not take it.
    """
    with staging_beside(folder) as staged:
        write_files(staged, small)
        manifest = read_manifest(staged) if MANIFEST in small else None
        if manifest is None:
            return None
        check_manifest(manifest, place)
        here = _files_by_digest(folder)
        missing = [
            path
            for path, digest in manifest.digests.items()
            if not _taken(here.get(digest, folder / path), staged / path, digest)
        ]
        download(missing, staged)
        if broken := broken_files(manifest, staged):
            raise PublishingError(
                f"The version at {place!r} cannot be read: {some_of(broken)} missing or not what "
                f"its manifest says; try again, and if that does not help, put back there what was "
                f"published."
            )
        put(staged, folder)
    return SavedVersion(folder, manifest)


def _files_by_digest(folder: Path) -> dict[str, Path]:
    """Return the files of the version that is here; their names change with their number."""
    manifest = read_manifest(folder)
    return {digest: folder / path for path, digest in manifest.digests.items()} if manifest else {}


def _taken(here: Path, there: Path, digest: str) -> bool:
    """Take a file that is here already, if it is the right one."""
    if not has(here, digest):
        return False
    there.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(here, there)
    except OSError:
        shutil.copyfile(here, there)
    return True
