"""`LoadDataFromHub`: rows of a dataset on the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError, MissingPackageError
from tasks.sources import arrow_rows
from tasks.sources.files import StorageOptions
from tasks.sources.first_rows import first_rows
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class LoadDataFromHub(GeneratorStep):
    """Loads a split of a dataset on the Hugging Face Hub, or of a local folder laid out like one.

    Columns out: those of the dataset, with its types. `repo_id` is "owner/name" or a folder,
    `config` one of its configurations, `revision` a branch, tag or commit. With `streaming` rows
    are read from the Hub as they are needed, otherwise the split is downloaded and cached first.
    `num_examples` stops after that many rows. `storage_options` are for the file systems that the
    data lie on, such as `{"s3": {"anon": True}}`; they may hold secrets and go into no file.
    `HF_ENDPOINT` and `HF_TOKEN` are honoured.

    Raises:
        ConfigurationError: no such repository, configuration, split or revision, no access, no
            network, or no rows.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from tasks import LoadDataFromHub
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "train.jsonl").write_text('{"prompt": "Say hi."}')
        ...     source = LoadDataFromHub(repo_id=folder, streaming=True)
        ...     next(source.process())
        ([{'prompt': 'Say hi.'}], True)
    """

    version: ClassVar = 1

    repo_id: str | None = None
    split: str = "train"
    config: str | None = None
    revision: str | None = None
    streaming: bool = False
    num_examples: int | None = Field(default=None, ge=1)
    storage_options: StorageOptions = None

    def load(self) -> None:
        if not self.repo_id:
            raise ConfigurationError(f"Step {self.name!r} needs repo_id=, the dataset to load.")

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        nothing = f"The split {self.split!r} of the dataset {self.repo_id!r} has no rows."
        try:
            rows = arrow_rows.frames(self._dataset(), _FRAME_HEIGHT)
            yield from first_rows(rows, self.num_examples, nothing)
        except ConfigurationError:
            raise
        except Exception as error:
            raise self._unreadable(error) from error

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
            # A copy, because `datasets` writes the token of the Hub into it.
            storage_options=dict(self.storage_options) if self.storage_options else None,
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
