"""Input and output mappings: a step sees its own column names, the dataset keeps its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import polars as pl

from llms.errors import ConfigurationError
from tasks.row import SHADOW, visible


def seen_by_step(
    frame: pl.DataFrame,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    step: str,
    reads: Collection[str] = (),
) -> pl.DataFrame:
    """Add the mapped inputs under the step's names, and hide dataset columns of those names.

    A dataset column with the name of a mapped output is hidden too, unless the step `reads` it.

    Raises:
        ConfigurationError: a mapped column does not exist.
    """
    for name, column in inputs.items():
        if column not in frame.columns:
            raise ConfigurationError(
                f"Step {step!r} maps its input {name!r} to the column {column!r}, which does not "
                f"exist; the columns are: {', '.join(visible(frame.columns))}."
            )
    renamed_outputs = [name for name, column in outputs.items() if column != name]
    hidden = [name for name in {*inputs, *renamed_outputs} if name in frame.columns]
    seen = frame.with_columns(
        *(pl.col(name).alias(SHADOW + name) for name in sorted(hidden)),
        *(pl.col(column).alias(name) for name, column in inputs.items()),
    )
    if not reads:
        return seen
    return seen.drop([name for name in hidden if name not in inputs and name not in reads])


def seen_by_dataset(
    frame: pl.DataFrame,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    made: Collection[str],
) -> pl.DataFrame:
    """Undo `seen_by_step`: `made` are the columns the step made, under its own names."""
    borrowed = [name for name in inputs if name not in made and name in frame.columns]
    frame = frame.drop(borrowed)
    renamed = {
        name: column for name, column in outputs.items() if name != column and name in frame.columns
    }
    replaced = [c for c in renamed.values() if c in frame.columns and c not in renamed]
    frame = frame.drop(replaced).rename(renamed)
    shadows = [name for name in frame.columns if name.startswith(SHADOW)]
    back = {name: name.removeprefix(SHADOW) for name in shadows}
    taken = [name for name, column in back.items() if column in frame.columns]
    return frame.drop(taken).rename({k: v for k, v in back.items() if k not in taken})
