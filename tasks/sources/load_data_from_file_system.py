"""`LoadDataFromFileSystem`: rows from Parquet, CSV or JSON files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Protocol

import polars as pl
from pydantic import Field, field_validator

from llms.errors import ConfigurationError
from tasks.column_types import Misfit, Types, merged, refuse_empty_structs, type_named
from tasks.sources import csv_rows, json_rows, parquet_rows
from tasks.sources.files import FileType, SourceFile, StorageOptions, find_files
from tasks.sources.first_rows import first_rows
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000


class _Reader(Protocol):
    def column_types(self, file: SourceFile, given: Mapping[str, pl.DataType]) -> Types: ...

    def frames(self, file: SourceFile, types: Types, height: int) -> Iterator[pl.DataFrame]: ...


_READERS: Mapping[FileType, _Reader] = {
    "csv": csv_rows,
    "json": json_rows,
    "jsonl": json_rows,
    "parquet": parquet_rows,
}


class LoadDataFromFileSystem(GeneratorStep):
    r"""Loads the rows of files.

    Columns out: those of the files; a column that some rows lack is null there. `data_files` is a
    file, a folder, a glob or a list of these, local or as a URL of fsspec. `filetype` is "parquet",
    "jsonl", "json" (an array of objects, or one a line) or "csv"; left out, the ending tells.
    `num_examples` stops after that many rows. `storage_options` go to the file system of fsspec;
    they may hold secrets and go into no file.

    Every row is looked at before the first is yielded, so each column has one type throughout:
    numbers and text together become text, structs get the fields of all rows. `column_types` sets
    the type of a column: "String" (what is no text becomes JSON), "Int64", "Float64", "Boolean" or
    "List(...)" of these. Files are read in parts, but for a JSON array; remote files are copied to
    the temporary folder while they are read.

    Raises:
        ConfigurationError: no such file, no rows, or a line that cannot be read, with its number.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from tasks import LoadDataFromFileSystem
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "topics.csv").write_text("topic,level\nlaw,1\nart,2\n")
        ...     next(LoadDataFromFileSystem(data_files=folder).process())
        ([{'topic': 'law', 'level': 1}, {'topic': 'art', 'level': 2}], True)
    """

    version: ClassVar = 1

    data_files: str | Path | Sequence[str | Path] | None = None
    filetype: FileType | None = None
    num_examples: int | None = Field(default=None, ge=1)
    column_types: Mapping[str, str] = Field(default_factory=dict)
    storage_options: StorageOptions = None

    @field_validator("column_types")
    @classmethod
    def _know_the_types(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name in value.values():
            type_named(name)
        return value

    def load(self) -> None:
        if not self.data_files:
            raise ConfigurationError(f"Step {self.name!r} needs data_files=, the files to load.")

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        given = self.data_files or ()
        entries = [str(entry) for entry in ([given] if isinstance(given, str | Path) else given)]
        with TemporaryDirectory(prefix="stillhouse-") as folder:
            files = find_files(entries, self.filetype, Path(folder), self.storage_options)
            types = self._types(files)
            frames = chain.from_iterable(
                _READERS[file.filetype].frames(file, types, _FRAME_HEIGHT) for file in files
            )
            nothing = f"The files of step {self.name!r} hold no rows."
            yield from first_rows(frames, self.num_examples, nothing)

    def _types(self, files: list[SourceFile]) -> Types:
        """Return the columns of all files together."""
        given = {name: type_named(kind) for name, kind in self.column_types.items()}
        types: Types = {}
        for file in files:
            for name, kind in _READERS[file.filetype].column_types(file, given).items():
                try:
                    types[name] = merged(types.get(name, pl.Null()), kind)
                except Misfit as error:
                    raise ConfigurationError(
                        f"{file.name} does not fit the files before it: the column {name!r} holds "
                        f"{error}."
                    ) from error
        for name in given:
            if name not in types:
                raise ConfigurationError(
                    f"column_types names {name!r}, which is not in the files; the columns are: "
                    f"{', '.join(types)}."
                )
        remedy = "column_types={column: 'String'} reads it as JSON text"
        refuse_empty_structs(types, f"the files of step {self.name!r}", remedy)
        return types
