"""Whether a version can be made again, byte by byte, from what is published with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.publishing.folder import put, staging_beside
from flows.publishing.verified import verify
from flows.refresh.byte_differences import changed_steps, compared_files, differences, reasons
from flows.refresh.rebuilding import Rebuilt, rebuilding
from flows.versions.manifest import MANIFEST
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents, stage
from llms.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a version that was made again.

    `differences` say which files of rows or rejections are other bytes, `reasons` why, as far as it
    is known; `beside` are the other files that differ. `folder` is where the result was kept.
    """

    version: SavedVersion
    files: int
    differences: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def is_equal(self) -> bool:
        """Whether all rows and rejections are the same bytes."""
        return not self.differences

    @property
    def sentence(self) -> str:
        """What to tell about it."""
        name = f"{self.version.name} {self.version.manifest.tag}"
        if self.is_equal:
            return f"{name} is byte-equal: {self.version.rows:,} rows in {self.files} files."
        why = f", because {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{name} is not byte-equal: {'; '.join(self.differences)}{why}."


def replay(version: SavedVersion, folder: Path | None = None) -> Replayed:
    """Make a version again from the sources and answers that it keeps, and compare the bytes.

    No network, no key and no Prefect server is used, and no answer of the user's own store. What
    free models in this process embed is computed again. `folder` keeps the result, as the version
    it is; where answers are missing nothing is kept.

    Raises:
        ConfigurationError: the version keeps no answers, a step of it cannot be found here, or the
            folder is taken.
        StillhouseError: the version is damaged, or a step fails.
    """
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{str(folder)!r} is there already; name a new folder.")
    verify(version)
    with (
        TemporaryDirectory(prefix="stillhouse-") as place,
        rebuilding(version, Path(place)) as rebuilt,
    ):
        if rebuilt.lost:
            files = compared_files(version.manifest)
            lost = tuple(_lost(rebuilt))
            return Replayed(version, len(files), lost, tuple(changed_steps(version)))
        with staging_beside(folder or Path(place) / "version") as staged:
            replayed = _staged(version, rebuilt, staged, folder)
            if folder is not None:
                put(staged, folder)
            return replayed


def _staged(version: SavedVersion, rebuilt: Rebuilt, staged: Path, folder: Path | None) -> Replayed:
    manifest = version.manifest
    contents = Contents(provenance=manifest.provenance, test_share=manifest.test_share)
    before = manifest.model_copy(update={"version": manifest.version - 1})
    made = stage(
        rebuilt.dataset, staged, contents, SavedVersion(version.folder, before, version.graph)
    )
    _dress(version, made)
    compared = {*compared_files(manifest), *compared_files(made.manifest)}
    then, now = manifest.digests, made.manifest.digests
    other = [path for path in sorted({*then, *now}) if then.get(path) != now.get(path)]
    found = tuple(differences(version, made)) if compared.intersection(other) else ()
    return Replayed(
        version,
        len(compared),
        found,
        tuple(reasons(version, made)) if found else (),
        tuple(path for path in other if path not in compared),
        folder,
    )


def _dress(version: SavedVersion, made: SavedVersion) -> None:
    """Copy what is not content: the card and its charts, and the books where the rest is equal."""
    listed = version.manifest.digests
    for path in version.folder.rglob("*"):
        name = path.relative_to(version.folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and name.as_posix() not in {*listed, MANIFEST}:
            (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, made.folder / name)
    if made.digest == version.digest:
        shutil.copyfile(version.folder / MANIFEST, made.folder / MANIFEST)


def _lost(rebuilt: Rebuilt) -> Iterator[str]:
    for step, count in rebuilt.lost.items():
        answers = "answer is" if count == 1 else "answers are"
        yield f"{count:,} {answers} not kept that step {step!r} asks for"
