"""`SavedVersion`: a version of a dataset at rest, wherever it was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import polars as pl

from flows.versions.manifest import Manifest, Shard, read_manifest
from llms.errors import ConfigurationError
from tasks.graph import Graph
from tasks.outcome import Accounts
from tasks.row import KEY, Rejection, Row, SourceKeys, frequent_reasons

REJECTIONS = "rejections.jsonl"
PIPELINE = "pipeline.yaml"
CARD = "README.md"

PROVENANCE = {
    KEY: pl.String(),
    "status": pl.String(),
    "configuration": pl.String(),
    "split": pl.String(),
    "source": pl.String(),
    "source_key": pl.String(),
    "source_digest": pl.String(),
    "run": pl.String(),
    "step": pl.String(),
    "reason": pl.String(),
    "answers": pl.List(
        pl.Struct(
            {
                "step": pl.String(),
                "signature": pl.String(),
                "key": pl.String(),
                "model": pl.String(),
                "request_id": pl.String(),
                "input_tokens": pl.Int64(),
                "output_tokens": pl.Int64(),
                "cost_usd": pl.Float64(),
            }
        )
    ),
}
"""The columns of the configuration `provenance`: a record for each row of the dataset and for each
rejected one.

`status` is "made" or "rejected", `run` the flow run that made the row as it is, `step` and `reason`
say who rejected it, `answers` are the models' answers behind it, in the order of the steps.
"""


class SavedVersion:
    """A version of a dataset in a folder: rows, rejections, provenance, pipeline, manifest.

    The folder may be one that was published, one that waits to be, or a copy from the Hub.
    """

    def __init__(self, folder: Path, manifest: Manifest, graph: Graph | None = None) -> None:
        self.folder = folder
        self.manifest = manifest
        self._graph = graph

    @classmethod
    def open(cls, folder: Path | str) -> SavedVersion:
        """Open a version's folder.

        Raises:
            ConfigurationError: it is none.
        """
        manifest = read_manifest(Path(folder))
        if manifest is None:
            raise ConfigurationError(f"{str(folder)!r} is not a dataset folder of ours.")
        return cls(Path(folder), manifest)

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return self.manifest.pipeline

    @property
    def digest(self) -> str:
        """The digest of the content."""
        return self.manifest.digest

    @property
    def rows(self) -> int:
        """Number of rows in all configurations."""
        return sum(self.rows_of(configuration) for configuration in self.configurations)

    @property
    def configurations(self) -> list[str]:
        """The names of the configurations."""
        return list(self.manifest.configurations)

    @property
    def accounts(self) -> dict[str, Accounts]:
        """The books of each step."""
        return {
            name: Accounts(**step.accounts)  # type: ignore[arg-type]  # as Accounts wrote them
            for name, step in self.manifest.steps.items()
        }

    @property
    def books(self) -> Accounts:
        """The books of all steps together."""
        return sum(self.accounts.values(), Accounts())

    @cached_property
    def graph(self) -> Graph:
        """The pipeline that made the version, as this process would run it.

        Raises:
            ConfigurationError: a step of it cannot be found here.
        """
        return self._graph or Graph.from_yaml(self.folder / PIPELINE)

    def rows_of(self, configuration: str, split: str | None = None) -> int:
        """Return the number of rows of a configuration, or of one split of it."""
        return sum(shard.rows for shard in self._shards(configuration, split))

    def splits(self, configuration: str) -> list[str]:
        """Return the splits of a configuration."""
        return list(self._splits(configuration))

    def scan(self, configuration: str = "default", split: str | None = None) -> pl.LazyFrame:
        """Return the rows of a configuration, or of one split of it, lazily.

        Raises:
            ConfigurationError: there is no such configuration or split.
        """
        return self._scan(self._shards(configuration, split))

    def frame(self, configuration: str = "default", split: str | None = None) -> pl.DataFrame:
        """Return the rows of a configuration, or of one split of it."""
        return self.scan(configuration, split).collect()

    def keyed(self, configuration: str = "default") -> pl.DataFrame:
        """Return the rows of a configuration with their keys in the column `_row_key`."""
        return self.frame(configuration).with_columns(self.keys(configuration))

    def keys(self, configuration: str = "default") -> pl.Series:
        """Return the keys of a configuration's rows, in the order of `frame`.

        A version without provenance has no keys of its own: rows are then known by their content.
        """
        records = self.provenance()
        if records is None:
            keys = SourceKeys(None)
            rows = self.frame(configuration).iter_rows(named=True)
            return pl.Series(KEY, [keys.of(row) for row in rows], dtype=pl.String)
        its = (pl.col("status") == "made") & (pl.col("configuration") == configuration)
        return records.filter(its).select(KEY).collect().to_series()

    def provenance(self) -> pl.LazyFrame | None:
        """Return the records of where rows come from (see `PROVENANCE`); None if none are kept.

        The rows that were made come first, in the order of `frame`, configuration after
        configuration; then those that were rejected, in the order of `rejections`.
        """
        return self._scan(self.manifest.rows) if self.manifest.rows else None

    @property
    def reasons(self) -> list[Row]:
        """The most frequent reasons of rejections, each with `step`, `reason` and `rows`."""
        return frequent_reasons(self.rejections())

    def rejections(self) -> Iterator[Rejection]:
        """Yield every row that was rejected."""
        with (self.folder / REJECTIONS).open(encoding="utf-8", errors="surrogatepass") as lines:
            for line in lines:
                yield Rejection(**json.loads(line))

    def _scan(self, shards: tuple[Shard, ...]) -> pl.LazyFrame:
        return pl.scan_parquet([self.folder / shard.path for shard in shards])

    def _shards(self, configuration: str, split: str | None) -> tuple[Shard, ...]:
        splits = self._splits(configuration)
        if split is not None and split not in splits:
            raise ConfigurationError(
                f"There is no split {split!r} in {configuration!r}; there is: {', '.join(splits)}."
            )
        named = splits if split is None else [split]
        return tuple(shard for name in named for shard in splits[name])

    def _splits(self, configuration: str) -> dict[str, tuple[Shard, ...]]:
        if configuration not in self.configurations:
            raise ConfigurationError(
                f"There is no configuration {configuration!r}; there is: "
                f"{', '.join(self.configurations)}."
            )
        return self.manifest.configurations[configuration].splits
