"""A finished dataset as a folder: what `datasets` reads of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from datasets import Features, List, Value, get_dataset_config_names

from flows import Pipeline
from flows.publishing.errors import PublishingError
from llms.errors import ConfigurationError
from tasks import KeepColumns, LoadDataFromDicts, Row
from tests.flows.versions import loaded, version_of

RICH: list[Row] = [
    {
        "instruction": "Add 2 and 3.",
        "messages": [
            {"role": "user", "content": "Add 2 and 3."},
            {"role": "assistant", "content": "5, naïvely\nor 五"},
        ],
        "numbers": [2, 3],
        "nothing": None,
        "day": date(2024, 2, 29),
        "moment": datetime(2024, 2, 29, 12, 30),  # noqa: DTZ001  # as in a column without a zone
        "right": True,
        "score": 0.5,
        "judged": {"by": {"model": "m", "ratings": [1, 5]}, "agreed": False},
    },
    {
        "instruction": "",
        "messages": [],
        "numbers": None,
        "nothing": None,
        "day": None,
        "moment": None,
        "right": None,
        "score": None,
        "judged": {"by": {"model": None, "ratings": []}, "agreed": None},
    },
]


def test_the_folder_loads_with_equal_rows_and_features(tmp_path: Path) -> None:
    with Pipeline("rich") as pipeline:
        LoadDataFromDicts(data=RICH)
    folder = pipeline.preview(len(RICH)).save_to_disk(tmp_path / "rich")
    rows = loaded(folder)
    assert list(rows) == RICH
    assert rows.features == Features(
        {
            "instruction": Value("string"),
            "messages": List({"role": Value("string"), "content": Value("string")}),
            "numbers": List(Value("int64")),
            "nothing": Value("null"),
            "day": Value("date32"),
            "moment": Value("timestamp[us]"),
            "right": Value("bool"),
            "score": Value("float64"),
            "judged": {
                "by": {"model": Value("string"), "ratings": List(Value("int64"))},
                "agreed": Value("bool"),
            },
        }
    )


def test_each_leaf_loads_as_a_configuration_of_its_own(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=RICH) >> [
            KeepColumns(name="chats", columns=("messages",)),
            KeepColumns(name="days", columns=("day", "numbers")),
        ]
    folder = pipeline.preview(len(RICH)).save_to_disk(tmp_path / "leaves")
    assert get_dataset_config_names(str(folder)) == ["chats", "days", "provenance"]
    assert list(loaded(folder, "chats")) == [{"messages": row["messages"]} for row in RICH]
    assert list(loaded(folder, "days")) == [
        {"day": row["day"], "numbers": row["numbers"]} for row in RICH
    ]


@pytest.mark.usefixtures("one_row_a_shard")
def test_shards_load_in_the_order_of_the_rows(tmp_path: Path) -> None:
    partitions = [[{"n": 10 * part + row} for row in range(10)] for part in range(2)]
    folder = version_of(*partitions).save_to_disk(tmp_path / "shards")
    assert sorted(path.name for path in (folder / "data").iterdir()) == [
        f"train-{number:05}-of-00020.parquet" for number in range(20)
    ]
    assert loaded(folder)["n"][:] == list(range(20))


@pytest.mark.parametrize(
    ("first", "second", "table", "feature"),
    [
        ([{"c": 1}], [{"c": 0.5}], [1.0, 0.5], Value("float64")),
        ([{"c": None}], [{"c": "a"}], [None, "a"], Value("string")),
        ([{"c": 1}], [{"c": "a"}], ["1", "a"], Value("string")),
        ([{"c": []}], [{"c": ["a"]}], [[], ["a"]], List(Value("string"))),
        (
            [{"c": {"a": 1}}],
            [{"c": {"b": "x", "a": 2}}],
            [{"a": 1, "b": None}, {"a": 2, "b": "x"}],
            {"a": Value("int64"), "b": Value("string")},
        ),
        ([{"other": 1}], [{"c": True}], [None, True], Value("bool")),
    ],
    ids=["int-float", "null-text", "number-text", "empty-list", "more-fields", "late-column"],
)
@pytest.mark.parametrize("shards", [2, 1], ids=["two-shards", "one-shard"])
def test_partitions_of_differing_types_load_as_one_table(
    first: Sequence[Row],
    second: Sequence[Row],
    table: list[Any],
    feature: Any,
    shards: int,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if shards == 2:
        request.getfixturevalue("one_row_a_shard")
    folder = version_of(first, second).save_to_disk(tmp_path / "mixed")
    assert len(list((folder / "data").iterdir())) == shards
    rows = loaded(folder)
    assert rows["c"][:] == table
    assert rows.features["c"] == feature


def test_a_configuration_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no configuration 'chats'; there is: default\."):
        version_of([{"n": 1}]).frame("chats")


@pytest.mark.parametrize("other", ["text", 1], ids=["list-text", "list-number"])
def test_partitions_whose_types_cannot_meet_are_told_in_one_sentence(
    other: Any, tmp_path: Path
) -> None:
    with pytest.raises(PublishingError, match="'default' do not fit into one table"):
        version_of([{"c": ["a"]}], [{"c": other}]).save_to_disk(tmp_path / "clash")
    assert not (tmp_path / "clash").exists()
