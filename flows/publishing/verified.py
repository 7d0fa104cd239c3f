"""Whether the files of a version are what its manifest says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from flows.publishing.errors import PublishingError
from flows.versions.manifest import Manifest, content_digest, sha256_of
from flows.versions.saved import SavedVersion


def verify(version: SavedVersion) -> None:
    """Raise `PublishingError` unless a version is whole and nobody has changed it."""
    place = str(version.folder)
    check_manifest(version.manifest, place)
    if broken := broken_files(version.manifest, version.folder):
        raise PublishingError(
            f"The version in {place!r} is not whole: {some_of(broken)} missing or not what its "
            f"manifest says; run the pipeline again: nothing has to be generated again."
        )


def check_manifest(manifest: Manifest, place: str) -> None:
    """Raise `PublishingError` for a manifest that names files elsewhere or was changed by hand."""
    strange = [path for path in manifest.digests if not _is_inside(path)]
    if strange or content_digest(manifest.digests) != manifest.digest:
        raise PublishingError(
            f"The manifest of the version in {place!r} has been changed by hand; publish a version "
            f"as a run has made it."
        )


def broken_files(manifest: Manifest, folder: Path) -> list[str]:
    """Return the files of the content that a folder lacks or has otherwise."""
    return [path for path, digest in manifest.digests.items() if not has(folder / path, digest)]


def has(file: Path, digest: str) -> bool:
    """Tell whether a file is there with a SHA-256."""
    return file.is_file() and sha256_of(file) == digest


def some_of(paths: list[str]) -> str:
    """Name the first of some files, and how many more there are, as the subject of a sentence."""
    if len(paths) == 1:
        return f"{paths[0]!r} is"
    return f"{paths[0]!r} and {len(paths) - 1} more are"


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\\" not in path
