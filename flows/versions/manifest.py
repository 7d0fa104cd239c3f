"""The manifest of a version: what it was made by, and the digest of every file."""

from __future__ import annotations

import json
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from llms.config import Config
from llms.digest import digest
from llms.errors import ConfigurationError, StillhouseError

MANIFEST = "manifest.json"
LAYOUT = 1

Provenance = Literal["answers", "rows", "none"]
"""What is kept of where rows come from: the sources and answers as well, only a record for each
row, or nothing.
"""


class Shard(Config):
    """A Parquet file: path in the version's folder, rows, bytes and SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str


class StepRecord(Config):
    """A step as it was: class, the steps before it, its signature and the parts of that, its books.

    `parts` are what `flows.runtime.changes` compares to say why rows are made again.
    """

    step: str
    after: tuple[str, ...] = ()
    signature: str
    parts: dict[str, str]
    accounts: dict[str, int | float]


class ConfigurationRecord(Config):
    """A configuration of the dataset: the leaf step that made it, and each split's files."""

    step: str
    splits: dict[str, tuple[Shard, ...]]


class Manifest(Config):
    """What a version is.

    `version` counts the versions of a dataset from 1. `digest` names the content: two versions with
    the same one have the same files, but for card, charts and this manifest. `run` is the flow run
    that made it. `files` are the SHA-256 of all other files of the content.
    """

    layout: int = LAYOUT
    pipeline: str
    version: int = 1
    digest: str
    run: str
    provenance: Provenance = "answers"
    test_share: float = 0.0
    rejected: int = 0
    steps: dict[str, StepRecord]
    configurations: dict[str, ConfigurationRecord]
    sources: dict[str, tuple[Shard, ...]] = Field(default_factory=dict)
    rows: tuple[Shard, ...] = ()
    answers: tuple[Shard, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The name of the version: `v3` for the third."""
        return f"v{self.version}"

    @property
    def shards(self) -> list[Shard]:
        """All Parquet files."""
        splits = [s for item in self.configurations.values() for s in item.splits.values()]
        groups = [*splits, *self.sources.values(), self.rows, self.answers]
        return [shard for group in groups for shard in group]

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file of the content, by its path."""
        return {**{shard.path: shard.sha256 for shard in self.shards}, **self.files}

    def to_json(self) -> str:
        """Write the manifest."""
        return json.dumps(self.model_dump(mode="json"), indent=1) + "\n"


def content_digest(files: dict[str, str]) -> str:
    """Return the digest that names a version by the SHA-256 of its files."""
    return digest(files)


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest of a version's folder, None if it is no folder of ours.

    Raises:
        ConfigurationError: it was written by another release.
    """
    try:
        value: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(value, dict) or not value.keys() >= {"pipeline", "digest"}:
        return None
    if value.get("layout") != LAYOUT:
        raise ConfigurationError(
            f"The version in {str(folder)!r} has the layout {value.get('layout')!r}, and this "
            f"release reads {LAYOUT}; read it with the release that wrote it."
        )
    try:
        return Manifest(**value)
    except (StillhouseError, ValidationError):
        return None


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()
