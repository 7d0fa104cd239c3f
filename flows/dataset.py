"""`DatasetVersion`: what a run made, with its books."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from flows.runtime.workspace import Partition, Workspace
from llms.errors import ConfigurationError
from llms.gateway import Gateway
from tasks.graph import Graph, pipeline_digest
from tasks.outcome import Accounts
from tasks.row import KEY, Rejection, Row, frequent_reasons, visible

_DECIMALS = 9


def configurations_of(graph: Graph) -> dict[str, str]:
    """Return the configurations of a graph's dataset, each with the leaf step that makes it."""
    leaves = graph.leaves()
    return {"default": leaves[0]} if len(leaves) == 1 else {leaf: leaf for leaf in leaves}


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """The finished rows of a pipeline. Each leaf step makes one configuration of the dataset;
    a single leaf is called `default`. `calls` counts the model calls of the run that made it; all
    other answers were reused; `spent_usd` is what it paid for them in US dollars. `changes` tell
    which steps do something else than in the run before, and why. `run` is the id of the flow run
    that made it, `gateway` the one whose store has the answers.
    """

    graph: Graph
    workspace: Workspace
    partitions: dict[str, list[Partition]]
    calls: int = 0
    spent_usd: float = 0.0
    changes: tuple[str, ...] = ()
    run: str = ""
    gateway: Gateway | None = None

    @property
    def name(self) -> str:
        """The name of the pipeline."""
        return self.graph.name

    @property
    def digest(self) -> str:
        """Digest of what the pipeline does."""
        return pipeline_digest(self.graph)

    @property
    def configurations(self) -> dict[str, str]:
        """Configuration name to the leaf step whose rows it holds."""
        return configurations_of(self.graph)

    @property
    def rows(self) -> int:
        """Number of rows in all configurations."""
        return sum(p.rows for leaf in self.configurations.values() for p in self.partitions[leaf])

    @property
    def accounts(self) -> dict[str, Accounts]:
        """The books of each step."""
        return {
            name: sum((partition.accounts for partition in self.partitions[name]), Accounts())
            for name in self.graph.steps
        }

    @property
    def books(self) -> Accounts:
        """The books of all steps together."""
        return sum(self.accounts.values(), Accounts())

    @property
    def artifacts(self) -> dict[str, Path]:
        """The folders of files that steps saved beside their rows, by step."""
        folders = {
            name: self.workspace.artifacts(step.signature)
            for name, step in self.graph.steps.items()
        }
        return {name: folder for name, folder in folders.items() if folder.is_dir()}

    def scan(self, configuration: str = "default") -> pl.LazyFrame:
        """Return the rows of a configuration, lazily.

        Raises:
            ConfigurationError: there is no such configuration.
        """
        if configuration not in self.configurations:
            raise ConfigurationError(
                f"There is no configuration {configuration!r}; there is: "
                f"{', '.join(self.configurations)}."
            )
        rows = self.workspace.scan(self.partitions[self.configurations[configuration]])
        return rows.select(visible(rows.collect_schema().names()))

    def keys(self, configuration: str = "default") -> pl.Series:
        """Return the keys of a configuration's rows, in their order."""
        partitions = self.partitions[self.configurations[configuration]]
        found = [key for partition in partitions for key in self.workspace.keys(partition)]
        return pl.Series(KEY, found, dtype=pl.String)

    def frame(self, configuration: str = "default") -> pl.DataFrame:
        """Return the rows of a configuration."""
        return self.scan(configuration).collect()

    def __getitem__(self, configuration: str) -> Any:
        """Return a configuration as a `datasets.DatasetDict` with the split `train`."""
        from datasets import Dataset, DatasetDict

        return DatasetDict({"train": Dataset(self.frame(configuration).to_arrow())})

    @property
    def reasons(self) -> list[Row]:
        """The most frequent reasons of rejections, each with `step`, `reason` and `rows`."""
        return frequent_reasons(self.rejections())

    def rejections(self) -> Iterator[Rejection]:
        """Yield every row that was rejected, step by step."""
        for name in self.graph.order():
            for partition in self.partitions[name]:
                yield from self.workspace.rejections(partition)

    def summary(self) -> dict[str, Any]:
        """Return the counts of the version as plain values."""
        return {
            "dataset": self.name,
            "rows": self.rows,
            "rejected": self.books.rejected,
            "calls": self.calls,
            "reused": self.books.requests - self.calls,
            "spent_usd": round(self.spent_usd, _DECIMALS),
            "cost_usd": round(self.books.cost_usd, _DECIMALS),
            "unpriced": self.books.unpriced,
            "reasons": self.reasons,
        }

    def save_to_disk(self, folder: Path | str) -> Path:
        """Write the dataset folder: Parquet, card, pipeline, rejections and manifest.

        Raises:
            ConfigurationError: the folder holds something else.
            PublishingError: the disk does not take it.
        """
        from flows.publishing.folder import save

        return save(self, Path(folder))

    def push_to_hub(self, repo_id: str, *, private: bool = False, token: str | None = None) -> str:
        """Publish to the Hugging Face Hub as one commit and return its address.

        Raises:
            PublishingError: the Hub refuses or cannot be reached.
        """
        from flows.publishing.hub import push

        return push(self, repo_id, private=private, token=token)
