"""The texts that are published with a version beside its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from flows.gates.columns_of_a_version import VALUE
from flows.gates.texts import text_in
from flows.versions.archive import kept_sources
from flows.versions.saved import SavedVersion
from tasks.row import KEY, visible

_SCHEMA = {KEY: pl.String(), VALUE: pl.String()}
_PARTS = ("$.text", "$.reasoning", "$.tool_calls")
"""What a model wrote in a completion; the rest are counts and identifiers."""


@dataclass(frozen=True, slots=True)
class Published:
    """Texts that lie in one place: `_row_key` names the row or the answer, `value` is its text."""

    place: str
    texts: pl.DataFrame


def texts_beside(version: SavedVersion) -> Iterator[Published]:
    """Yield the texts of a version's rejections, kept answers and kept sources, if it has any."""
    rejected = [
        (rejection.key, "\n".join(_strings([rejection.raw_reply, rejection.reason, rejection.row])))
        for rejection in version.rejections()
    ]
    frame = pl.DataFrame(rejected, schema=_SCHEMA, orient="row")
    yield from _unless_empty("rejections", frame)
    if version.manifest.answers:
        files = [version.folder / shard.path for shard in version.manifest.answers]
        written = [pl.col("completion").str.json_path_match(part) for part in _PARTS]
        text = pl.concat_str(written, separator="\n", ignore_nulls=True)
        answers = pl.scan_parquet(files).select(pl.col("key").alias(KEY), text.alias(VALUE))
        yield from _unless_empty("answers", answers.drop_nulls(VALUE).collect())
    for name, rows in kept_sources(version).items():
        schema = rows.collect_schema()
        columns = [text_in(schema[column], pl.col(column)) for column in visible(schema.names())]
        texts = [column for column in columns if column is not None]
        if texts:
            joined = pl.concat_str(texts, separator="\n", ignore_nulls=True).alias(VALUE)
            yield from _unless_empty(f"sources.{name}", rows.select(KEY, joined).collect())


def _unless_empty(place: str, texts: pl.DataFrame) -> Iterator[Published]:
    if texts.height:
        yield Published(place, texts)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
