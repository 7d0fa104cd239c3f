"""Finding the files of a source: a path, folder, glob or URL of any file system fsspec knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import Field

from llms.config import Operational
from llms.errors import ConfigurationError, MissingPackageError

FileType = Literal["csv", "json", "jsonl", "parquet"]

StorageOptions = Annotated[
    Operational[dict[str, Any] | None], Field(default=None, exclude=True, repr=False)
]
"""Parameters of the file system that the data lie on; they may hold secrets and are in no dump."""

_SUFFIXES: dict[str, FileType] = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: its `name` as the user knows it, and the `path` of a local copy."""

    name: str
    path: Path
    filetype: FileType


def find_files(
    entries: Sequence[str],
    filetype: FileType | None,
    folder: Path,
    storage_options: Mapping[str, Any] | None = None,
) -> list[SourceFile]:
    """Return the files that entries name, each once, those of one entry in order of their names.

    Files of other machines are copied into `folder` first, so that reading them twice is cheap and
    their size does not matter for memory. `storage_options` go to the file system.

    Raises:
        ConfigurationError: a file is missing, cannot be reached or is of an unknown type.
    """
    files: dict[str, SourceFile] = {}
    for entry in entries:
        try:
            for file in _files_of(entry, filetype, folder, storage_options or {}):
                files.setdefault(file.name, file)
        except ImportError as error:
            raise MissingPackageError(f"{entry!r} cannot be reached: {error}.") from error
        except (OSError, TypeError, ValueError) as error:
            raise ConfigurationError(f"{entry!r} cannot be read: {error}.") from error
    return list(files.values())


def _files_of(
    entry: str, filetype: FileType | None, folder: Path, storage_options: Mapping[str, Any]
) -> Iterator[SourceFile]:
    import fsspec

    system, path = fsspec.url_to_fs(entry, **storage_options)
    local = getattr(system, "local_file", False)
    if system.isfile(path):
        found = [path]
    elif has_magic(path):
        found = sorted(match for match in system.glob(path) if system.isfile(match))
    else:
        found = _in_folder(system, path, entry, filetype) if system.isdir(path) else []
    if not found:
        raise ConfigurationError(f"There is no file {entry!r}; check the path in data_files.")
    for match in found:
        name = match if local else system.unstrip_protocol(match)
        kind = filetype or _type_of(name)
        if local:
            yield SourceFile(name, Path(match), kind)
        else:
            copy = folder / str(len(list(folder.iterdir())))
            system.get_file(match, str(copy))
            yield SourceFile(name, copy, kind)


def _in_folder(system: Any, path: str, entry: str, filetype: FileType | None) -> list[str]:
    """Return the files of a folder and of the folders in it, without hidden ones."""
    found: dict[FileType, list[str]] = {}
    for match in sorted(system.find(path)):
        inside = PurePosixPath(match.removeprefix(path).lstrip("/"))
        kind = _SUFFIXES.get(inside.suffix.lower())
        if kind is not None and not any(part.startswith((".", "_")) for part in inside.parts):
            found.setdefault(kind, []).append(match)
    if filetype is None and len(found) > 1:
        raise ConfigurationError(
            f"The folder {entry!r} holds files of the types {', '.join(sorted(found))}; "
            f"say which to read with filetype=."
        )
    wanted = filetype or next(iter(found), None)
    if wanted not in found:
        looked_for = f".{filetype}" if filetype else ", ".join(_SUFFIXES)
        raise ConfigurationError(f"The folder {entry!r} holds no file ending in {looked_for}.")
    return found[wanted]


def _type_of(name: str) -> FileType:
    suffix = PurePosixPath(name).suffix.lower()
    if suffix not in _SUFFIXES:
        raise ConfigurationError(
            f"The type of {name!r} cannot be told from its ending {suffix!r}; say "
            f"filetype='jsonl', 'json', 'csv' or 'parquet'."
        )
    return _SUFFIXES[suffix]
