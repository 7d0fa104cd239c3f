"""Column types: what the card says of a column is what `datasets` reads from its file."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest
import yaml
from datasets import Features, List, Value

from flows.versions.features import features_of
from flows.versions.parquet import write_shards
from llms.errors import ConfigurationError

MOMENT = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
LOCAL = MOMENT.replace(tzinfo=None)
CHAT = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def case(name: str, kind: Any, feature: Any, *values: Any) -> Any:
    return pytest.param(kind, feature, [*values, None], id=name)


@pytest.mark.parametrize(
    ("kind", "feature", "values"),
    [
        case("text", pl.String, Value("string"), "a", ""),
        case("bool", pl.Boolean, Value("bool"), True, False),
        case("bytes", pl.Binary, Value("binary"), b"\0a"),
        case("null", pl.Null, Value("null")),
        case("int8", pl.Int8, Value("int8"), -128),
        case("int64", pl.Int64, Value("int64"), 2**63 - 1),
        case("uint64", pl.UInt64, Value("uint64"), 2**64 - 1),
        case("float32", pl.Float32, Value("float32"), 0.5),
        case("float64", pl.Float64, Value("float64"), 0.1),
        case("decimal", pl.Decimal(9, 2), Value("decimal128(9, 2)"), Decimal("1.25")),
        case("category", pl.Categorical, Value("string"), "a", "b", "a"),
        case("enumeration", pl.Enum(["a", "b"]), Value("string"), "b"),
        case("date", pl.Date, Value("date32"), date(2024, 2, 29)),
        case("time", pl.Time, Value("time64[ns]"), time(12, 30, 1, 5)),
        case("moment", pl.Datetime("us"), Value("timestamp[us]"), LOCAL),
        case("milliseconds", pl.Datetime("ms"), Value("timestamp[ms]"), LOCAL),
        case("zone", pl.Datetime("us", "UTC"), Value("timestamp[us, tz=UTC]"), MOMENT),
        case("duration", pl.Duration("us"), Value("duration[us]"), timedelta(hours=3)),
        case("list", pl.List(pl.Int64), List(Value("int64")), [1, 2], [], [None]),
        case("empty-lists", pl.List(pl.Null), List(Value("null")), []),
        case("matrix", pl.List(pl.List(pl.Int64)), List(List(Value("int64"))), [[1], []]),
        case("vector", pl.Array(pl.Float32, 2), List(Value("float32"), length=2), [0.5, 1.0]),
        case(
            "chat",
            CHAT,
            List({"role": Value("string"), "content": Value("string")}),
            [{"role": "user", "content": "a"}, {"role": "assistant", "content": None}],
            [],
        ),
        case(
            "chats",
            pl.List(CHAT),
            List(List({"role": Value("string"), "content": Value("string")})),
            [[{"role": "user", "content": "a"}], []],
        ),
        case(
            "nested",
            pl.Struct({"a": pl.Struct({"b": pl.List(pl.Date)}), "c": pl.Null}),
            {"a": {"b": List(Value("date32"))}, "c": Value("null")},
            {"a": {"b": [date(2024, 2, 29)]}, "c": None},
        ),
    ],
)
def test_a_column_loads_with_the_feature_of_the_card_and_equal_values(
    kind: Any, feature: Any, values: list[Any], tmp_path: Path
) -> None:
    frame = pl.DataFrame({"column": values}, schema={"column": kind})
    metadata = {
        "configs": [{"config_name": "default", "data_files": "rows-*.parquet"}],
        "dataset_info": [{"config_name": "default", "features": features_of(frame.schema)}],
    }
    write_shards([frame], frame.schema, tmp_path, "rows")
    (tmp_path / "README.md").write_text(f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---\n")
    rows = datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.features == Features({"column": feature})
    assert rows["column"][:] == values


@pytest.mark.parametrize(
    "kind",
    [pl.Int128, pl.Object, pl.List(pl.Struct({"deep": pl.Int128}))],
    ids=["int128", "object", "inside-a-chat"],
)
def test_a_type_that_datasets_do_not_have_is_told_with_its_column(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^Column 'odd' has the type .*; turn it into"):
        features_of(pl.Schema({"fine": pl.String, "odd": kind}))
