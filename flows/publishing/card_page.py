"""The page of a dataset card, which people read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from flows.publishing.card_metadata import RECORDS, splits_of
from flows.publishing.card_pipeline import graph_of, models_table, papers, prompts, steps_table
from flows.publishing.card_settings import CardSettings
from flows.reporting.accounts import accounts_table, joined, rejections_table, samples
from flows.versions.saved import SavedVersion

CHARTS = "charts"
"""The folder of the charts in a version."""


def page_of(
    version: SavedVersion, settings: CardSettings, charts: Sequence[str], repo: str | None
) -> str:
    """Return the page; `charts` are the names of the files in the folder of charts."""
    rejected = rejections_table(version)
    graph = version.graph
    return joined(
        [
            f"# {settings.pretty_name or version.name}",
            settings.description or graph.description or "",
            f"{version.rows:,} rows, made by a pipeline of {len(graph.steps)} steps with "
            f"Stillhouse; this is version {version.manifest.tag}. Every row is accounted for: for "
            f"each step, rows in + expanded = rows out + rejected + filtered.",
            "## How to load it",
            _loading(version, repo),
            "## How it was made",
            graph_of(graph),
            steps_table(graph),
            models_table(graph),
            prompts(graph),
            "The whole pipeline is in [pipeline.yaml](pipeline.yaml); the digests of its steps "
            "and of every file are in [manifest.json](manifest.json).",
            "## Accounts",
            accounts_table(version),
            "## Charts" if charts else "",
            "\n\n".join(f"![{_title(name)}]({CHARTS}/{name})" for name in charts),
            "## Rejected rows" if rejected else "",
            rejected,
            "All of them, with raw replies: [rejections.jsonl](rejections.jsonl)."
            if rejected
            else "",
            *(
                f"## Samples{_named(version, configuration)}\n\n{samples(version, configuration)}"
                for configuration in version.configurations
            ),
            "## Where rows come from" if version.manifest.rows else "",
            _origins(version),
            "## Make it again",
            _again(version, repo),
            f"## Licence\n\n{settings.license}" if settings.license else "",
            f"## Papers\n\n{papers(graph)}" if papers(graph) else "",
        ]
    )


def _loading(version: SavedVersion, repo: str | None) -> str:
    lines = ["from datasets import load_dataset", ""]
    place = repo or "path/of/this/folder"
    for configuration, splits in splits_of(version).items():
        for split in splits:
            lines.append(
                f"{_variable(configuration, split)} = " + _call(place, configuration, split)
            )
    if repo:
        configuration, split = next(
            (c, s) for c, found in splits_of(version).items() for s in found
        )
        call = _call(place, configuration, split, version.manifest.tag)
        lines += ["", f"# exactly this version, whatever comes later\nrows = {call}"]
    return "```python\n" + "\n".join(lines) + "\n```"


def _call(place: str, configuration: str, split: str, revision: str | None = None) -> str:
    named = "" if configuration == "default" else f', "{configuration}"'
    pinned = f', revision="{revision}"' if revision else ""
    return f'load_dataset("{place}"{named}, split="{split}"{pinned})'


def _variable(configuration: str, split: str) -> str:
    name = split if configuration == "default" else f"{configuration}_{split}"
    name = configuration if configuration == RECORDS else name
    return "".join(letter if letter.isalnum() else "_" for letter in name)


def _origins(version: SavedVersion) -> str:
    if not version.manifest.rows:
        return ""
    lines = [
        f"The configuration `{RECORDS}` has a record for each row, in the order of the rows, and "
        f"then one for each rejected row: its key (`_row_key`), `status`, `configuration` and "
        f"`split`; the row of the source that it comes from (`source`, `source_key`, "
        f"`source_digest`); the `run` that made it as it is; the `step` and `reason` of a "
        f"rejection; and the `answers` of models behind it, each with step, model, tokens and cost."
    ]
    if version.manifest.answers:
        lines.append(
            "The rows of the sources and the models' answers are kept too, in `provenance/`: with "
            "them any machine refreshes the dataset and pays only for what changed."
        )
    return "\n\n".join(lines)


def _again(version: SavedVersion, repo: str | None) -> str:
    commands = ["stillhouse run pipeline.yaml  # asks the models"]
    if repo and version.manifest.answers:
        tag = f"{repo}@{version.manifest.tag}"
        commands.append(f"stillhouse replay {tag}  # from the answers kept with it, without a call")
    return "```shell\n" + "\n".join(commands) + "\n```"


def _named(version: SavedVersion, configuration: str) -> str:
    return f": {configuration}" if len(version.configurations) > 1 else ""


def _title(name: str) -> str:
    return PurePosixPath(name).stem.replace("-", " ").replace("_", " ")
