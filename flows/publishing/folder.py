"""A version in a folder that `datasets.load_dataset` reads, put there in one step."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import polars as pl

from flows.dataset import DatasetVersion
from flows.publishing.card import Charts, card_files
from flows.publishing.card_page import CHARTS
from flows.publishing.card_settings import CardSettings
from flows.publishing.errors import PublishingError
from flows.versions.manifest import read_manifest
from flows.versions.saved import CARD, SavedVersion
from flows.versions.staging import Contents, stage
from llms.errors import ConfigurationError


def check_folder(folder: Path | str) -> None:
    """Raise `ConfigurationError` unless a version can be written there; asked before a run."""
    folder = Path(folder)
    if folder.exists():
        empty = folder.is_dir() and not any(folder.iterdir())
        if not empty and read_manifest(folder) is None:
            raise ConfigurationError(
                f"{str(folder)!r} exists and is not a dataset folder of ours; name another folder "
                f"or remove it."
            )
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"{str(folder)!r} cannot be written, because {str(above)!r} is not a folder that you "
            f"may write to; name another folder."
        )


def version_in(folder: Path | str) -> SavedVersion | None:
    """Return the version in a folder, None where there is none."""
    manifest = read_manifest(Path(folder))
    return None if manifest is None else SavedVersion(Path(folder), manifest)


def save(
    version: DatasetVersion,
    folder: Path,
    contents: Contents | None = None,
    card: CardSettings | None = None,
    charts: Charts | None = None,
) -> Path:
    """Write a version's folder; the one that was there is replaced in one step at the end.

    What a person wrote in the README that was there stays.

    Raises:
        ConfigurationError: the folder holds something else.
        PublishingError: the disk does not take it.
    """
    check_folder(folder)
    readme = folder / CARD
    with staging_beside(folder) as staged:
        saved = stage(version, staged, contents, version_in(folder))
        before = readme.read_bytes() if readme.is_file() else None
        write_files(staged, card_files(saved, card, charts, before=before))
        put(staged, folder)
    return folder.absolute()


@contextmanager
def staging_beside(folder: Path) -> Iterator[Path]:
    """Give an empty folder on the disk of another one, for files that are to be moved there."""
    place = folder.resolve()
    with translated_errors(folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)


@contextmanager
def translated_errors(folder: Path) -> Iterator[None]:
    """Turn what the disk says while a dataset is written to a folder into a `PublishingError`."""
    try:
        yield
    except (OSError, pl.exceptions.ComputeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise PublishingError(
            f"The dataset cannot be written to {str(folder)!r} ({said}); free the disk or name "
            f"another folder and run again: nothing has to be generated again."
        ) from error


def put(staged: Path, folder: Path) -> None:
    """Move a staged folder to its place; the one that was there is removed."""
    folder = folder.resolve()
    staged.chmod(0o755)
    old = staged.with_name(f"{staged.name}.old")
    if folder.exists():
        folder.rename(old)
    try:
        staged.rename(folder)
    except OSError:
        with suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write small files, each in one step, by their path in a folder."""
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.part")
        part.write_bytes(content)
        part.replace(file)


def dress(folder: Path, files: Mapping[str, bytes]) -> None:
    """Give a version's folder the README, charts and manifest that were published.

    Raises:
        PublishingError: the disk does not take them.
    """
    with translated_errors(folder):
        write_files(folder, files)
        for chart in (folder / CHARTS).glob("*.svg"):
            if f"{CHARTS}/{chart.name}" not in files:
                chart.unlink()
