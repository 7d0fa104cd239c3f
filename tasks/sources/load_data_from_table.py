"""`LoadDataFromTable`: rows of a data frame or dataset that the program holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar

import polars as pl
from pydantic import PlainValidator, field_serializer

from llms.digest import digest
from llms.errors import ConfigurationError
from tasks.column_types import Types
from tasks.sources import arrow_rows
from tasks.step import GeneratorStep

_FRAME_HEIGHT = 1000
_DIGEST = "digest"


def _as_table(value: Any) -> Any:
    """Return a polars frame or a `Dataset`, or the digest of one that YAML holds."""
    pandas, datasets = sys.modules.get("pandas"), sys.modules.get("datasets")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        try:
            value = pl.from_pandas(value)
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise ConfigurationError(f"The DataFrame of pandas cannot be read: {error}.") from error
    if isinstance(value, dict) and value.keys() == {_DIGEST}:
        return value
    if isinstance(value, pl.DataFrame):
        value = value.clone()
        height, kinds = value.height, value.schema
    elif datasets is not None and isinstance(value, datasets.Dataset):
        height, kinds = len(value), arrow_rows.schema(value)
    else:
        raise ConfigurationError(
            f"A source is made from a list of dicts, a polars or pandas DataFrame, or one split of "
            f"a dataset of the Hugging Face Hub, not from a {type(value).__name__}."
        )
    if not height:
        raise ConfigurationError("The table has no rows; a source needs at least one.")
    for name, kind in kinds.items():
        if kind == pl.Object:
            raise ConfigurationError(f"The column {name!r} holds Python objects; leave it out.")
    return value


class LoadDataFromTable(GeneratorStep):
    """Loads the rows of a polars or pandas `DataFrame` or of a `datasets.Dataset`.

    Columns out: those of the table, with its types; the index of pandas is left out. What a source
    has is known by its rows: an equal table means that nothing has to be made again, one with
    another value is another source. A pipeline in YAML holds the digest of the rows, not the rows;
    it can be read and looked at, and says at its run that they are missing.

    Raises:
        ConfigurationError: it is no table, has no rows, or a column of Python objects.

    Example:
        >>> import polars as pl
        >>> from tasks import LoadDataFromTable
        >>> next(LoadDataFromTable(table=pl.DataFrame({"topic": ["law", "art"]})).process())
        ([{'topic': 'law'}, {'topic': 'art'}], True)
    """

    version: ClassVar = 1

    table: Annotated[Any, PlainValidator(_as_table)]

    @property
    def outputs(self) -> Types:
        if isinstance(self.table, dict):
            return {}
        is_frame = isinstance(self.table, pl.DataFrame)
        return dict(self.table.schema if is_frame else arrow_rows.schema(self.table))

    @cached_property
    def content(self) -> dict[str, Any]:
        return {**super().content, "table": self._digest}

    def load(self) -> None:
        if isinstance(self.table, dict):
            raise ConfigurationError(
                f"The rows of step {self.name!r} were in memory when the pipeline was written and "
                f"are not in the file; make the source from them again with make_generator_step."
            )

    def frames(self) -> Iterator[pl.DataFrame]:
        self.load()
        if isinstance(self.table, pl.DataFrame):
            yield from self.table.iter_slices(_FRAME_HEIGHT)
        else:
            yield from arrow_rows.frames(self.table, _FRAME_HEIGHT)

    @field_serializer("table")
    def _write_the_digest(self, table: Any) -> dict[str, str]:
        return {_DIGEST: self._digest}

    @cached_property
    def _digest(self) -> str:
        if isinstance(self.table, dict):
            return str(self.table[_DIGEST])
        columns = {name: str(kind) for name, kind in self.outputs.items()}
        return digest([columns, [digest(frame.rows()) for frame in self.frames()]])
