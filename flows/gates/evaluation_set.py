"""`EvaluationSet`: a benchmark that a dataset must not contain."""

from glob import has_magic
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from flows.gates.shared_words import FEWEST_WORDS, words_of
from flows.gates.texts import text_in
from llms.config import Config
from llms.errors import ConfigurationError
from tasks.sources.load_data_from_file_system import LoadDataFromFileSystem
from tasks.sources.load_data_from_hub import LoadDataFromHub
from tasks.step import GeneratorStep

_HUB = "hub:"


class EvaluationSet(Config):
    """The texts of an evaluation set. A plain string is its `source`."""

    source: str = Field(
        description="File or folder (JSON Lines, JSON, CSV, Parquet), or hub:owner/name"
    )
    columns: tuple[str, ...] = Field(
        default=(),
        description="Columns to look for; left out: all texts of eight words and more",
    )
    split: str = Field(default="test", description="Split of a dataset on the Hub")
    config: str | None = Field(default=None, description="Configuration of a dataset on the Hub")

    @model_validator(mode="before")
    @classmethod
    def _from_its_source(cls, value: Any) -> Any:
        return {"source": value} if isinstance(value, str) else value

    def texts(self, name: str) -> pl.Series:
        """Return the different texts of the set that goes by a name.

        Raises:
            ConfigurationError: it cannot be loaded, or lacks a column or any text.
        """
        local = not (self.source.startswith(_HUB) or "://" in self.source or has_magic(self.source))
        if local and not Path(self.source).exists():
            raise ConfigurationError(
                f"There is no file or folder {self.source!r} with the evaluation set {name!r}; "
                f"check its source."
            )
        try:
            frames = list(self._step().frames())
        except ConfigurationError as error:
            raise ConfigurationError(
                f"The evaluation set {name!r} cannot be loaded: {error}"
            ) from error
        table = pl.concat(frames, how="diagonal_relaxed")
        for column in self.columns:
            if column not in table.columns:
                raise ConfigurationError(
                    f"The evaluation set {name!r} has no column {column!r}; its columns are: "
                    f"{', '.join(table.columns)}."
                )
        texts = [
            table.select(text.alias("text")).to_series()
            for column in self.columns or table.columns
            if (text := text_in(table.schema[column], pl.col(column))) is not None
        ]
        found = pl.concat([pl.Series("text", [], dtype=pl.String), *texts])
        fewest = 1 if self.columns else FEWEST_WORDS
        found = found.filter(words_of(found).list.len() >= fewest).unique(maintain_order=True)
        if found.is_empty():
            raise ConfigurationError(
                f"The evaluation set {name!r} holds no text of {fewest} words or more; name the "
                f"columns with its texts; it has: {', '.join(table.columns)}."
            )
        return found

    def _step(self) -> GeneratorStep:
        if self.source.startswith(_HUB):
            repo_id = self.source.removeprefix(_HUB)
            return LoadDataFromHub(
                name="evaluation", repo_id=repo_id, split=self.split, config=self.config
            )
        return LoadDataFromFileSystem(name="evaluation", data_files=self.source)
