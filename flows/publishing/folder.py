"""A dataset as a folder that `datasets.load_dataset` reads.

    README.md         the card: configurations, features, how it was made, accounts, samples
    data/*.parquet    the rows (or one folder for each configuration)
    artifacts/        one folder for each step that saved files, such as an index
    pipeline.yaml     the pipeline, to read, run and change
    rejections.jsonl  every rejected row with its key, step, reason and raw reply
    manifest.json     digests of steps and files, accounts

The same rows give the same bytes: no file holds a time, a run or a path.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

from flows.dataset import DatasetVersion
from flows.publishing.card import card
from flows.runtime.workspace import Partition
from llms.digest import canonical_json
from llms.errors import ConfigurationError, StillhouseError

MANIFEST = "manifest.json"
_SHARD_BYTES = 200_000_000
_ROWS_PER_GROUP = 1_000


class PublishingError(StillhouseError):
    """A finished dataset could not be written or pushed; it is still in the workspace."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One Parquet file of a configuration: path in the folder, rows, bytes and SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


def check_folder(folder: Path | str) -> None:
    """Raise `ConfigurationError` unless a dataset can be written there; asked before a run."""
    folder = Path(folder)
    if folder.exists():
        empty = folder.is_dir() and not any(folder.iterdir())
        if not empty and read_manifest(folder / MANIFEST) is None:
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


def read_manifest(file: Path) -> dict[str, Any] | None:
    """Return the manifest of a dataset, None if the file is not one of ours."""
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    ours = isinstance(manifest, dict) and manifest.keys() >= {"pipeline", "digest", "files"}
    return manifest if ours else None


def save(version: DatasetVersion, folder: Path) -> Path:
    """Write a dataset folder; the one that was there is replaced in one step at the end.

    Raises:
        ConfigurationError: the folder holds something else.
        PublishingError: the disk does not take it.
    """
    check_folder(folder)
    place = folder.resolve()
    with translated_errors(folder):
        place.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            write_files(version, staged)
            _replace(place, staged)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    return folder.absolute()


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


def write_files(version: DatasetVersion, folder: Path) -> None:
    """Write all files of a dataset into an empty folder."""
    shards = {
        configuration: _write_shards(version, configuration, folder)
        for configuration in version.configurations
    }
    for name, saved in version.artifacts.items():
        shutil.copytree(saved, folder / "artifacts" / name)
    (folder / "pipeline.yaml").write_text(version.graph.to_yaml(), encoding="utf-8")
    with (folder / "rejections.jsonl").open("w", encoding="utf-8") as file:
        for rejection in version.rejections():
            file.write(canonical_json(rejection.as_json()) + "\n")
    accounts = version.accounts
    manifest = {
        "pipeline": version.name,
        "digest": version.digest,
        "steps": {
            name: {
                "step": type(step).__name__,
                "signature": step.signature,
                "accounts": accounts[name].as_json(),
            }
            for name, step in version.graph.steps.items()
        },
        "files": {name: [asdict(shard) for shard in items] for name, items in shards.items()},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(version, shards), encoding="utf-8")


def _write_shards(version: DatasetVersion, configuration: str, folder: Path) -> list[Shard]:
    partitions = version.partitions[version.configurations[configuration]]
    groups = list(_grouped(version, partitions))
    data = "data" if configuration == "default" else configuration
    (folder / data).mkdir()
    shards = []
    try:
        schema = version.scan(configuration).collect_schema()
        for number, group in enumerate(groups):
            path = f"{data}/train-{number:05}-of-{len(groups):05}.parquet"
            rows = _with_schema(version.workspace.scan(group), schema)
            rows.sink_parquet(folder / path, compression="zstd", row_group_size=_ROWS_PER_GROUP)
            shards.append(_shard(folder, path, sum(partition.rows for partition in group)))
    except (pl.exceptions.SchemaError, pl.exceptions.InvalidOperationError) as error:
        raise PublishingError(
            f"The rows of {configuration!r} do not fit into one table, because a column has a "
            f"different type in some of them ({str(error).splitlines()[0]}); make it one type in "
            f"a step and run again: nothing has to be generated again."
        ) from error
    return shards


def _shard(folder: Path, path: str, rows: int) -> Shard:
    with (folder / path).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return Shard(path, rows, (folder / path).stat().st_size, digest)


def _grouped(version: DatasetVersion, partitions: list[Partition]) -> Iterator[list[Partition]]:
    """Gather partitions into shards of a bounded size."""
    group: list[Partition] = []
    size = 0
    for partition in partitions:
        bytes_here = version.workspace.path(partition.digest).stat().st_size
        if group and size + bytes_here > _SHARD_BYTES:
            yield group
            group, size = [], 0
        group.append(partition)
        size += bytes_here
    yield group


def _with_schema(rows: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    there = set(rows.collect_schema().names())
    columns = [
        (pl.col(name) if name in there else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    ]
    return rows.select(columns)


def _replace(folder: Path, staged: Path) -> None:
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
