"""The metadata of a dataset card, which the Hub and `datasets` read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.publishing.card_settings import CardSettings
from flows.publishing.papers import papers_of
from flows.versions.features import features_of
from flows.versions.manifest import Shard
from flows.versions.saved import SavedVersion

ALWAYS_OURS = frozenset({"size_categories", "configs", "dataset_info"})
"""What follows from the files alone, whatever a person has written."""

RECORDS = "provenance"
"""The configuration with a record for each row."""

_TAGS = ("synthetic", "stillhouse")
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B")

Splits = Mapping[str, Sequence[Shard]]


def metadata_of(version: SavedVersion, settings: CardSettings) -> dict[str, Any]:
    """Return the metadata of a version."""
    found = splits_of(version)
    tags = [*_TAGS, *settings.tags, *(f"arxiv:{paper}" for paper in papers_of(version.graph))]
    return {
        "pretty_name": version.name,
        **settings.metadata,
        "size_categories": [size_category(version.rows)],
        "tags": list(dict.fromkeys(tags)),
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == "default" else {}),
                "data_files": [
                    {"split": split, "path": [shard.path for shard in shards]}
                    for split, shards in splits.items()
                ],
            }
            for name, splits in found.items()
        ],
        "dataset_info": [_info(version, name, splits) for name, splits in found.items()],
    }


def splits_of(version: SavedVersion) -> dict[str, Splits]:
    """Return the files of each configuration, the records of provenance among them, by split."""
    found: dict[str, Splits] = {
        name: record.splits for name, record in version.manifest.configurations.items()
    }
    if version.manifest.rows:
        found[RECORDS] = {"train": version.manifest.rows}
    return found


def size_category(rows: int) -> str:
    """Return how the Hub names such a number of rows."""
    least = None
    for digits, most in enumerate(_SIZES, 3):
        if rows < 10**digits:
            return f"{least}<n<{most}" if least else f"n<{most}"
        least = most
    return f"n>{least}"


def _info(version: SavedVersion, configuration: str, splits: Splits) -> dict[str, Any]:
    records = version.provenance() if configuration == RECORDS else None
    rows = version.scan(configuration) if records is None else records
    size = sum(shard.bytes for shards in splits.values() for shard in shards)
    return {
        "config_name": configuration,
        "features": features_of(rows.collect_schema()),
        "splits": [
            {
                "name": split,
                "num_bytes": sum(shard.bytes for shard in shards),
                "num_examples": sum(shard.rows for shard in shards),
            }
            for split, shards in splits.items()
        ],
        "download_size": size,
        "dataset_size": size,
    }
