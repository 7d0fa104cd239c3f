"""Rows in Parquet files: the same bytes however they come, and few new ones where few changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import datasets
import polars as pl
import pyarrow.parquet as pq
import pytest
from datasets import Features, List, Value

from flows.versions import parquet, row_groups
from flows.versions.manifest import Shard
from flows.versions.parquet import write_shards

SCHEMA = pl.Schema(
    {
        "n": pl.Int64(),
        "text": pl.String(),
        "chat": pl.List(pl.Struct({"role": pl.String(), "content": pl.String()})),
        "vector": pl.Array(pl.Float32(), 2),
        "nothing": pl.Null(),
        "kind": pl.Categorical(),
    }
)


def rows(number: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return rows of differing lengths, with gaps."""
    random = Random(seed)
    return [
        {
            "n": index,
            "text": None if index % 7 == 0 else random.randbytes(random.randint(0, 300)).hex(),
            "chat": None
            if index % 11 == 0
            else [{"role": "user", "content": "x" * random.randint(0, 99)}] * (index % 4),
            "vector": [1.0, index],
            "nothing": None,
            "kind": "ab"[index % 2],
        }
        for index in range(number)
    ]


def frames(table: list[dict[str, Any]], *sizes: int) -> Iterator[pl.DataFrame]:
    """Cut a table into frames of these sizes, over and over."""
    begun = 0
    while begun < len(table):
        for size in sizes:
            yield pl.DataFrame(table[begun : begun + size], schema=SCHEMA)
            begun += size


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make row groups of tens of kilobytes, a few to a file."""
    monkeypatch.setattr(row_groups, "_LEAST_BYTES", 20_000)
    monkeypatch.setattr(row_groups, "_EXPECTED_BYTES", 20_000)
    monkeypatch.setattr(row_groups, "_MOST_BYTES", 80_000)
    monkeypatch.setattr(parquet, "_SHARD_BYTES", 200_000)


def group_heights(folder: Path, shards: tuple[Shard, ...]) -> list[int]:
    """Return the rows of each row group, file after file."""
    files = [pq.ParquetFile(folder / shard.path).metadata for shard in shards]
    return [file.row_group(g).num_rows for file in files for g in range(file.num_row_groups)]


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize(
    "sizes", [(3,), (7, 0, 500), (1_000,)], ids=["by-threes", "unevenly", "by-thousands"]
)
def test_bytes_do_not_depend_on_how_rows_were_cut_into_frames(
    sizes: tuple[int, ...], tmp_path: Path
) -> None:
    table = rows(1_500)
    whole = write_shards(frames(table, 1_500), SCHEMA, tmp_path / "whole", "rows")
    assert len(whole) > 2
    chunked = [pl.concat(frames(table, *sizes), rechunk=False)]
    for name, cut in (("frames", frames(table, *sizes)), ("chunks", iter(chunked))):
        assert write_shards(cut, SCHEMA, tmp_path / name, "rows") == whole


@pytest.mark.usefixtures("small_groups")
def test_rows_come_back_in_order_from_files_numbered_by_their_count(tmp_path: Path) -> None:
    shards = write_shards(frames(rows(500), 100), SCHEMA, tmp_path, "data/train")
    count = len(shards)
    assert [shard.path for shard in shards] == [
        f"data/train-{number:05}-of-{count:05}.parquet" for number in range(count)
    ]
    back = pl.read_parquet([tmp_path / shard.path for shard in shards])
    assert back["n"].to_list() == list(range(500))
    assert sum(shard.rows for shard in shards) == 500
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [
        Path(shard.path).name for shard in shards
    ]


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("place", [0, 500], ids=["at-the-front", "in-the-middle"])
def test_rows_that_come_between_change_no_row_group_but_the_one_they_are_in(
    place: int, tmp_path: Path
) -> None:
    table = rows(1_500)
    before = group_heights(
        tmp_path / "a", write_shards(frames(table, 100), SCHEMA, tmp_path / "a", "rows")
    )
    more = [*table[:place], *rows(10, seed=2), *table[place:]]
    after = group_heights(
        tmp_path / "b", write_shards(frames(more, 100), SCHEMA, tmp_path / "b", "rows")
    )
    same = [height for height in after if height in before]
    assert sum(after) == 1_510
    assert len(before) > 8
    assert len(same) >= len(before) - 2


@pytest.mark.usefixtures("small_groups")
def test_rows_all_of_one_size_are_cut_into_groups_too(tmp_path: Path) -> None:
    numbers = pl.DataFrame({"n": range(50_000)})
    shards = write_shards([numbers], numbers.schema, tmp_path, "rows")
    assert max(group_heights(tmp_path, shards)) <= 10_000


def test_no_rows_are_a_file_with_the_columns(tmp_path: Path) -> None:
    for name, nothing in (
        ("a", iter(())),
        ("b", frames([], 1)),
        ("c", [pl.DataFrame(schema=SCHEMA)]),
    ):
        (shard,) = write_shards(nothing, SCHEMA, tmp_path, name)
        assert shard.rows == 0
        assert pl.read_parquet(tmp_path / shard.path).columns == SCHEMA.names()


def test_columns_load_with_plain_types_even_without_a_card(tmp_path: Path) -> None:
    table = rows(20)
    (shard,) = write_shards(frames(table, 20), SCHEMA, tmp_path, "rows")
    loaded = datasets.load_dataset(
        "parquet",
        data_files=str(tmp_path / shard.path),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    assert loaded.features == Features(
        {
            "n": Value("int64"),
            "text": Value("string"),
            "chat": List({"role": Value("string"), "content": Value("string")}),
            "vector": List(Value("float32"), length=2),
            "nothing": Value("null"),
            "kind": Value("string"),
        }
    )
    assert list(loaded) == table


def test_a_change_of_one_row_leaves_the_pages_of_other_rows_as_they_are(tmp_path: Path) -> None:
    random = Random(3)
    texts = [random.randbytes(2_000).hex() for _ in range(1_000)]
    changed = [*texts[:500], "something else", *texts[501:]]
    contents = []
    for name, column in (("a", texts), ("b", changed)):
        frame = pl.DataFrame({"text": column})
        (shard,) = write_shards([frame], frame.schema, tmp_path, name)
        contents.append((tmp_path / shard.path).read_bytes())
    piece = 8_192
    pieces = [contents[0][at : at + piece] for at in range(0, len(contents[0]), piece)]
    kept = sum(piece in contents[1] for piece in pieces)
    assert len(pieces) > 200
    assert kept / len(pieces) > 0.85
