"""A finished run becomes a version: a folder with rows, provenance, pipeline and manifest.

    README.md                 the card
    data/*.parquet            the rows (or one folder for each configuration)
    provenance/rows-*         where each row comes from
    provenance/answers-*      the models' answers behind them
    provenance/sources/       the rows of the sources, with their keys
    artifacts/                one folder for each step that saved files, such as an index
    pipeline.yaml             the pipeline, to read, run and change
    rejections.jsonl          every rejected row with its key, step, reason and raw reply
    manifest.json             signatures and books of the steps, digests of the files

The same rows from the same answers give the same bytes: no file of the content holds a time or a
path, and a row that did not change keeps the run that made it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from pydantic import Field

from flows.dataset import DatasetVersion
from flows.publishing.errors import PublishingError
from flows.runtime.changes import parts_of
from flows.runtime.row_index import hashed
from flows.versions.archive import read_sources, write_answers, write_sources
from flows.versions.manifest import (
    MANIFEST,
    ConfigurationRecord,
    Manifest,
    Provenance,
    Shard,
    StepRecord,
    content_digest,
    sha256_of,
)
from flows.versions.parquet import write_shards
from flows.versions.provenance import (
    TEST,
    TRAIN,
    records_of_rejections,
    records_of_rows,
    source_digests,
    with_runs,
)
from flows.versions.saved import PIPELINE, PROVENANCE, REJECTIONS, SavedVersion
from llms.config import Config
from llms.digest import canonical_json
from llms.errors import ConfigurationError
from llms.home import default_gateway

_RESERVED = ("data", "provenance", "artifacts", "charts")


class Contents(Config):
    """What a version holds beside its rows, and which share of the source rows is for `test`."""

    provenance: Provenance = "answers"
    test_share: float = Field(default=0.0, ge=0, lt=1)


def check_names(configurations: Iterator[str] | list[str]) -> None:
    """Raise `ConfigurationError` for a configuration that has the name of another folder."""
    for name in configurations:
        if name in _RESERVED:
            raise ConfigurationError(
                f"A dataset cannot have a configuration {name!r}, because a version has a folder "
                f"of that name; give the last step another name."
            )


def stage(
    version: DatasetVersion,
    folder: Path,
    contents: Contents | None = None,
    before: SavedVersion | None = None,
) -> SavedVersion:
    """Write a version into an empty folder. `before` is the one that it follows.

    Raises:
        ConfigurationError: a column has a type that datasets cannot have.
        PublishingError: the rows of a configuration do not fit into one table.
    """
    contents = contents or Contents()
    check_names(list(version.configurations))
    digests = source_digests(version.workspace, read_sources(version))
    records, hashes, configurations = [], [], {}
    for name, step in version.configurations.items():
        its = records_of_rows(version, name, digests, contents.test_share)
        splits = {}
        for split in _splits(its, contents):
            splits[split] = _write_split(version, name, its["split"] == split, folder, split)
            records.append(its.filter(pl.col("split") == split))
            files = [folder / shard.path for shard in splits[split]]
            hashes.append(hashed(pl.read_parquet(files)))
        configurations[name] = ConfigurationRecord(step=step, splits=splits)
    rejected = list(version.rejections())
    with (folder / REJECTIONS).open("w", encoding="utf-8", errors="surrogatepass") as file:
        for rejection in rejected:
            file.write(canonical_json(rejection.as_json()) + "\n")
    for step in version.graph.order():
        its_rejections = [item for item in rejected if item.step == step]
        if its_rejections:
            records.append(records_of_rejections(version, step, its_rejections, digests))
    hashes.append(pl.zeros(len(rejected), dtype=pl.UInt64, eager=True))
    table = with_runs(pl.concat(records, how="diagonal"), pl.concat(hashes), version.run, before)
    kept = contents.provenance
    rows = () if kept == "none" else _write_records(table, folder)
    store = (version.gateway or default_gateway()).store
    answers = write_answers(version, folder, store) if kept == "answers" else ()
    sources = write_sources(version, folder) if kept == "answers" else {}
    for name, saved in version.artifacts.items():
        shutil.copytree(saved, folder / "artifacts" / name)
    (folder / PIPELINE).write_text(version.graph.to_yaml(), encoding="utf-8")
    manifest = Manifest(
        pipeline=version.name,
        version=1 + (before.manifest.version if before else 0),
        digest="",
        run=version.run,
        provenance=kept,
        test_share=contents.test_share,
        rejected=len(rejected),
        steps=_steps(version),
        configurations=configurations,
        sources=sources,
        rows=rows,
        answers=answers,
        files=_other_files(folder),
    )
    manifest = manifest.model_copy(update={"digest": content_digest(manifest.digests)})
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return SavedVersion(folder, manifest, version.graph)


def _splits(records: pl.DataFrame, contents: Contents) -> list[str]:
    there = set(records["split"].unique())
    return [TRAIN, TEST] if contents.test_share and TEST in there else [TRAIN]


def _write_split(
    version: DatasetVersion, configuration: str, chosen: pl.Series, folder: Path, split: str
) -> tuple[Shard, ...]:
    partitions = version.partitions[version.configurations[configuration]]
    stem = f"{'data' if configuration == 'default' else configuration}/{split}"

    def frames() -> Iterator[pl.DataFrame]:
        begun = 0
        for partition in partitions:
            frame = version.workspace.read(partition)
            yield frame.filter(chosen.slice(begun, frame.height))
            begun += frame.height

    try:
        schema = version.scan(configuration).collect_schema()
        return write_shards(frames(), schema, folder, stem)
    except (pl.exceptions.SchemaError, pl.exceptions.InvalidOperationError) as error:
        raise PublishingError(
            f"The rows of {configuration!r} do not fit into one table, because a column has a "
            f"different type in some of them ({str(error).splitlines()[0]}); make it one type in "
            f"a step and run again: nothing has to be generated again."
        ) from error


def _write_records(records: pl.DataFrame, folder: Path) -> tuple[Shard, ...]:
    return write_shards([records], pl.Schema(PROVENANCE), folder, "provenance/rows")


def _steps(version: DatasetVersion) -> dict[str, StepRecord]:
    parts, accounts = parts_of(version.graph), version.accounts
    return {
        name: StepRecord(
            step=type(step).__name__,
            after=tuple(version.graph.sources_of(name)),
            signature=step.signature,
            parts=parts[name],
            accounts=accounts[name].as_json(),
        )
        for name in version.graph.order()
        for step in [version.graph.steps[name]]
    }


def _other_files(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in files
        if path.suffix != ".parquet" or (folder / "artifacts") in path.parents
    }
