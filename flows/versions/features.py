"""Column types of polars as the `features` of a dataset card."""

from __future__ import annotations

from typing import Any

import polars as pl

from llms.errors import ConfigurationError

Feature = dict[str, Any]

_SAME_NAME = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64,
    pl.Float32, pl.Float64,
)  # fmt: skip
_NAMES = {
    pl.String: "string",
    pl.Categorical: "string",
    pl.Enum: "string",
    pl.Boolean: "bool",
    pl.Binary: "binary",
    pl.Date: "date32",
    pl.Time: "time64[ns]",
    pl.Null: "null",
}


def features_of(schema: pl.Schema) -> list[Feature]:
    """Return the features of a dataset in the form that dataset cards hold.

    Raises:
        ConfigurationError: a column has a type that datasets cannot have.
    """
    return [{"name": name, **_feature(name, kind)} for name, kind in schema.items()]


def _feature(column: str, kind: pl.DataType) -> Feature:
    if isinstance(kind, (pl.List, pl.Array)):
        inner = _feature(column, kind.inner)  # type: ignore[arg-type]  # instantiated in a schema
        length = {"length": kind.size} if isinstance(kind, pl.Array) else {}
        return {"list": inner.get("dtype") or inner.get("struct") or inner, **length}
    if isinstance(kind, pl.Struct):
        return {
            "struct": [
                {"name": field.name, **_feature(column, field.dtype)}  # type: ignore[arg-type]  # as above
                for field in kind.fields
            ]
        }
    return {"dtype": _scalar(column, kind)}


def _scalar(column: str, kind: pl.DataType) -> str:
    if isinstance(kind, _SAME_NAME):
        return type(kind).__name__.lower()
    if isinstance(kind, pl.Datetime):
        zone = f", tz={kind.time_zone}" if kind.time_zone else ""
        return f"timestamp[{kind.time_unit}{zone}]"
    if isinstance(kind, pl.Duration):
        return f"duration[{kind.time_unit}]"
    if isinstance(kind, pl.Decimal):
        return f"decimal128({kind.precision}, {kind.scale})"
    for known, name in _NAMES.items():
        if isinstance(kind, known):
            return name
    raise ConfigurationError(
        f"Column {column!r} has the type {kind}, which a dataset cannot hold; turn it into text, "
        f"numbers, lists or dicts."
    )
