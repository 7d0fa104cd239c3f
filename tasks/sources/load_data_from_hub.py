"""`LoadDataFromHub`: rows of a dataset on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError, MissingPackageError
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class LoadDataFromHub(GeneratorStep):
    """Loads a split of a dataset on the Hugging Face Hub, or of a local folder laid out like one.

    Columns out: those of the dataset, with its types. `repo_id` is "owner/name" or a folder,
    `config` one of its configurations, `revision` a branch, tag or commit. With `streaming` rows
    are read from the Hub as they are needed, otherwise the split is downloaded and cached first.
    `num_examples` stops after that many rows. `HF_ENDPOINT` and `HF_TOKEN` are honoured.

    Raises:
        ConfigurationError: no such repository, configuration, split or revision, no access, no
            network, or no rows.
    """

    version: ClassVar = 1

    repo_id: str | None = None
    split: str = "train"
    config: str | None = None
    revision: str | None = None
    streaming: bool = False
    num_examples: int | None = Field(default=None, ge=1)

    def load(self) -> None:
        if not self.repo_id:
            raise ConfigurationError(f"Step {self.name!r} needs repo_id=, the dataset to load.")

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        rows = 0
        try:
            for table in self._dataset().with_format("arrow").iter(batch_size=_FRAME_HEIGHT):
                frame = pl.DataFrame(pl.from_arrow(table))
                left = frame.height if self.num_examples is None else self.num_examples - rows
                yield frame.head(left)
                rows += min(frame.height, left)
                if rows == self.num_examples:
                    return
        except ConfigurationError:
            raise
        except Exception as error:
            raise self._unreadable(error) from error
        if not rows:
            raise ConfigurationError(
                f"The split {self.split!r} of the dataset {self.repo_id!r} has no rows."
            )

    def _dataset(self) -> Any:
        try:
            from datasets import load_dataset
        except ImportError as error:
            raise MissingPackageError(
                "Reading from the Hugging Face Hub needs a package: pip install datasets"
            ) from error
        return load_dataset(
            self.repo_id,
            name=self.config,
            split=self.split,
            revision=self.revision,
            streaming=self.streaming,
        )

    def _unreadable(self, error: Exception) -> ConfigurationError:
        """Put what `datasets` raised, whose types tell little, into one sentence."""
        said = str(error).partition("\n")[0].rstrip(".")
        if isinstance(error, ConnectionError) or "reach" in said:
            problem = f"{said}; check the network, and HF_ENDPOINT if it is set"
        elif isinstance(error, FileNotFoundError):
            problem = f"{said}; check repo_id and revision, and HF_TOKEN if the dataset is private"
        elif isinstance(error, ValueError):
            problem = f"{said}; check split and config"
        else:
            problem = f"{type(error).__name__}: {said}"
        return ConfigurationError(f"The dataset {self.repo_id!r} cannot be loaded: {problem}.")


LoadHubDataset = LoadDataFromHub
"""The name of `LoadDataFromHub` in the first releases of distilabel; YAML gets the newer one."""
