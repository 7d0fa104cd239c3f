"""The dataset card: metadata the Hub and `datasets` read, and a page people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from flows.publishing.features import features_of
from flows.reporting.accounts import accounts_table, cell, joined, rejections_table, samples
from tasks.task import Task

if TYPE_CHECKING:
    from flows.dataset import DatasetVersion
    from flows.publishing.folder import Shard

_SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)


def card(version: DatasetVersion, shards: Mapping[str, Sequence[Shard]]) -> str:
    """Return the README of a dataset."""
    metadata = yaml.safe_dump(_metadata(version, shards), sort_keys=False, allow_unicode=True)
    rejected = rejections_table(version)
    page = joined(
        [
            f"# {version.name}",
            version.graph.description or "",
            f"{version.rows:,} rows, made by a pipeline of {len(version.graph.steps)} steps with "
            f"Stillhouse. Every row is accounted for: for each step, rows in + expanded = rows "
            f"out + rejected + filtered.",
            "## How it was made",
            f"```mermaid\n{version.graph.mermaid()}\n```",
            _models(version),
            "The whole pipeline is in [pipeline.yaml](pipeline.yaml); the digests of its steps "
            "and of every file are in [manifest.json](manifest.json).",
            "## Accounts",
            accounts_table(version),
            "## Rejected rows" if rejected else "",
            rejected,
            "All of them, with raw replies: [rejections.jsonl](rejections.jsonl)."
            if rejected
            else "",
            *(
                f"## Samples{_named(version, configuration)}\n\n{samples(version, configuration)}"
                for configuration in version.configurations
            ),
            "## Make it again",
            "```shell\nstillhouse run pipeline.yaml\n```",
        ]
    )
    return f"---\n{metadata}---\n\n{page}"


def _metadata(version: DatasetVersion, shards: Mapping[str, Sequence[Shard]]) -> dict[str, Any]:
    return {
        "pretty_name": version.name,
        "size_categories": [_size_category(version.rows)],
        "tags": ["synthetic", "stillhouse"],
        "configs": [
            {
                "config_name": configuration,
                **({"default": True} if configuration == "default" else {}),
                "data_files": [{"split": "train", "path": [shard.path for shard in items]}],
            }
            for configuration, items in shards.items()
        ],
        "dataset_info": [
            _info(version, configuration, items) for configuration, items in shards.items()
        ],
    }


def _info(version: DatasetVersion, configuration: str, shards: Sequence[Shard]) -> dict[str, Any]:
    size = sum(shard.bytes for shard in shards)
    rows = sum(shard.rows for shard in shards)
    return {
        "config_name": configuration,
        "features": features_of(version.scan(configuration).collect_schema()),
        "splits": [{"name": "train", "num_bytes": size, "num_examples": rows}],
        "download_size": size,
        "dataset_size": size,
    }


def _models(version: DatasetVersion) -> str:
    lines = ["| step | model | generation parameters |", "|---|---|---|"]
    for name, step in version.graph.steps.items():
        if isinstance(step, Task):
            parameters = step.llm.generation_kwargs.model_dump(exclude_none=True)
            listed = ", ".join(f"{key}={value}" for key, value in parameters.items())
            model = f"{step.llm.provider}:{step.llm.model_name}"
            lines.append(f"| {name} | {cell(model)} | {cell(listed)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


def _named(version: DatasetVersion, configuration: str) -> str:
    return f": {configuration}" if len(version.configurations) > 1 else ""


def _size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>10M")
