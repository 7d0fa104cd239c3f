"""`LoadDataFromDisk`: rows of a dataset that was saved to disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.config import Operational
from llms.errors import ConfigurationError
from tasks.row import describe_error
from tasks.sources import arrow_rows, parquet_rows
from tasks.sources.files import StorageOptions, find_files
from tasks.sources.first_rows import first_rows
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000
_MANIFEST = "manifest.json"
_SPLITS = "dataset_dict.json"
_STATE = "state.json"


class LoadDataFromDisk(GeneratorStep):
    """Loads a dataset that `save_to_disk` wrote.

    Columns out: those of the dataset, with its types. `dataset_path` is the folder of a `Dataset`
    or a `DatasetDict`, local or as a URL of fsspec; with `is_distiset` it is that of a finished
    pipeline, ours or distilabel's, of which `config` names the configuration. `split` may be left
    out where there is only one. Rows are read as they are needed, unless `keep_in_memory` reads
    them all first. `num_examples` stops after that many rows. `storage_options` go to the file
    system of fsspec; they may hold secrets and go into no file.

    Raises:
        ConfigurationError: no such folder, configuration or split, several splits and none named,
            or no rows.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from datasets import Dataset, disable_progress_bars
        >>> from tasks import LoadDataFromDisk
        >>> disable_progress_bars()
        >>> with TemporaryDirectory() as folder:
        ...     Dataset.from_list([{"prompt": "Say hi."}]).save_to_disk(folder)
        ...     next(LoadDataFromDisk(dataset_path=folder).process())
        ([{'prompt': 'Say hi.'}], True)
    """

    version: ClassVar = 1

    dataset_path: str | Path | None = None
    is_distiset: bool = False
    config: str = "default"
    split: str | None = None
    keep_in_memory: Operational[bool | None] = None
    num_examples: int | None = Field(default=None, ge=1)
    storage_options: StorageOptions = None

    def load(self) -> None:
        if not self.dataset_path:
            raise ConfigurationError(f"Step {self.name!r} needs dataset_path=, the saved dataset.")

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        nothing = f"The dataset {str(self.dataset_path)!r} has no rows."
        try:
            yield from first_rows(self._rows(), self.num_examples, nothing)
        except ConfigurationError:
            raise
        except Exception as error:
            said = str(error) if isinstance(error, OSError) else describe_error(error)
            said = said.partition("\n")[0].rstrip(".")
            raise self._unreadable(f"{said}; check dataset_path") from error

    def _rows(self) -> Iterator[pl.DataFrame]:
        import fsspec

        system, folder = fsspec.url_to_fs(str(self.dataset_path), **(self.storage_options or {}))
        configurations = [
            path.split("/")[-2]
            for name in (_SPLITS, _STATE)
            for path in system.glob(f"{folder}/*/{name}")
        ]
        finished = system.isfile(f"{folder}/{_MANIFEST}")
        inside = ""
        if self.is_distiset and finished:
            yield from self._published(json.loads(system.cat_file(f"{folder}/{_MANIFEST}")))
            return
        if self.is_distiset:
            inside = f"/{self._choose(self.config, configurations, 'config')}"
        elif (finished or configurations) and not any(
            system.isfile(f"{folder}/{name}") for name in (_SPLITS, _STATE)
        ):
            raise self._unreadable("it is that of a finished pipeline; say is_distiset=True")
        if has_splits := system.isfile(f"{folder}{inside}/{_SPLITS}"):
            splits = json.loads(system.cat_file(f"{folder}{inside}/{_SPLITS}"))["splits"]
            inside += f"/{self._choose(self.split, splits, 'split')}"
        yield from self._saved(f"{self.dataset_path}{inside}", None if has_splits else self.split)

    def _saved(self, path: str, split: str | None) -> Iterator[pl.DataFrame]:
        """Yield the rows of a saved `Dataset`, which must be of a split if one is named."""
        from datasets import load_from_disk

        try:
            dataset = load_from_disk(
                path,
                keep_in_memory=self.keep_in_memory,
                storage_options=dict(self.storage_options) if self.storage_options else None,
            )
        except IndexError:
            return  # what it raises for a dataset that was saved without rows
        if split is not None:
            self._choose(split, [str(dataset.split)] if dataset.split else [], "split")
        yield from arrow_rows.frames(dataset, _FRAME_HEIGHT)

    def _published(self, manifest: dict[str, Any]) -> Iterator[pl.DataFrame]:
        """Yield the rows of one of our own folders."""
        there = manifest["configurations"]
        splits = there[self._choose(self.config, list(there), "config")]["splits"]
        shards = splits[self._choose(self.split, list(splits), "split")]
        names = [f"{self.dataset_path}/{shard['path']}" for shard in shards]
        with TemporaryDirectory(prefix="stillhouse-") as folder:
            for file in find_files(names, "parquet", Path(folder), self.storage_options):
                types = parquet_rows.column_types(file, {})
                yield from parquet_rows.frames(file, types, _FRAME_HEIGHT)

    def _choose(self, wanted: str | None, there: list[str], parameter: str) -> str:
        if wanted is None and len(there) == 1:
            return there[0]
        if wanted is None or wanted not in there:
            listed = ", ".join(sorted(there)) or "none"
            problem = f"it has no {parameter} {wanted!r}" if wanted else "it has several splits"
            raise self._unreadable(f"{problem}; set {parameter}= to one of: {listed}")
        return wanted

    def _unreadable(self, problem: str) -> ConfigurationError:
        said = f"The dataset {str(self.dataset_path)!r} cannot be loaded: {problem}."
        return ConfigurationError(said)
