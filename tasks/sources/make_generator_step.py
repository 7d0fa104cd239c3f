"""`make_generator_step`: a source from whatever holds rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.sources.load_data_from_dicts import LoadDataFromDicts
from tasks.sources.load_data_from_table import LoadDataFromTable
from tasks.step import GeneratorStep


def make_generator_step(
    dataset: Any,
    pipeline: Any = None,
    batch_size: int = 50,
    input_mappings: Mapping[str, str] | None = None,
    output_mappings: Mapping[str, str] | None = None,
    *,
    name: str = "",
    key_columns: Sequence[str] | None = None,
) -> GeneratorStep:
    """Return a source with the rows of a dataset.

    A list of dicts becomes `LoadDataFromDicts`; a polars or pandas `DataFrame` or a
    `datasets.Dataset` becomes `LoadDataFromTable`. The rows decide what an earlier run is reused
    for, not the object that holds them.

    Raises:
        ConfigurationError: it is something else, or has no rows.

    Example:
        >>> from tasks import make_generator_step
        >>> source = make_generator_step([{"question": "Why?"}], output_mappings={"question": "q"})
        >>> type(source).__name__
        'LoadDataFromDicts'
    """
    given = {
        "name": name,
        "pipeline": pipeline,
        "batch_size": batch_size,
        "input_mappings": input_mappings,
        "output_mappings": output_mappings,
        "key_columns": key_columns,
    }
    given = {parameter: value for parameter, value in given.items() if value}
    if isinstance(dataset, list):
        return LoadDataFromDicts(data=dataset, **given)
    return LoadDataFromTable(table=dataset, **given)
