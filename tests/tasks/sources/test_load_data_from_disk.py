"""Rows of saved datasets: ours, distilabel's and those of the library `datasets`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import fsspec
import polars as pl
import pytest

from flows.pipeline import Pipeline
from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromDicts
from tasks.sources.load_data_from_disk import LoadDataFromDisk
from tests.tasks.sources.conftest import KEY_OF_THE_STORE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

CHAT = [{"role": "user", "content": "hi"}]


@pytest.fixture(autouse=True)
def no_bars() -> None:
    datasets.disable_progress_bars()


def numbered(count: int, start: int = 0) -> datasets.Dataset:
    return datasets.Dataset.from_list(
        [{"id": number, "chat": CHAT} for number in range(start, start + count)]
    )


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """The folder of a `Dataset`."""
    numbered(2500).save_to_disk(str(tmp_path / "plain"))
    return str(tmp_path / "plain")


@pytest.fixture
def splits(tmp_path: Path) -> str:
    """The folder of a `DatasetDict`."""
    both = datasets.DatasetDict({"train": numbered(3), "test": numbered(1, start=7)})
    both.save_to_disk(str(tmp_path / "splits"))
    return str(tmp_path / "splits")


@pytest.fixture
def distiset(tmp_path: Path) -> str:
    """A folder as a finished pipeline of distilabel leaves it."""
    folder = tmp_path / "distiset"
    for number, name in enumerate(("default", "other")):
        leaf = datasets.DatasetDict({"train": numbered(2, start=10 * number)})
        leaf.save_to_disk(str(folder / name))
    (folder / "distiset_configs").mkdir()
    (folder / "distiset_configs" / "pipeline.yaml").write_text("pipeline: {}\n")
    return str(folder)


@pytest.fixture
def ours(tmp_path: Path) -> str:
    """A folder as a finished pipeline of ours leaves it, with two configurations."""
    with Pipeline("made") as pipeline:
        source = LoadDataFromDicts(data=[{"id": 1, "chat": CHAT}, {"id": 2, "chat": CHAT}])
        source >> [KeepColumns(name="ids", columns=["id"]), KeepColumns(columns=["chat"])]
    return str(pipeline.preview(2).save_to_disk(tmp_path / "ours"))


def loaded(path: str | None, **parameters: Any) -> pl.DataFrame:
    return pl.concat(LoadDataFromDisk(dataset_path=path, **parameters).frames())


def error_of(path: str | None, **parameters: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        loaded(path, **parameters)
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_a_dataset_gives_its_rows_and_types(plain: str) -> None:
    frame = loaded(plain)
    assert frame.schema == {
        "id": pl.Int64,
        "chat": pl.List(pl.Struct({"role": pl.String, "content": pl.String})),
    }
    assert frame["id"].to_list() == list(range(2500))


def test_a_path_may_be_a_path(plain: str) -> None:
    step = LoadDataFromDisk(dataset_path=Path(plain))
    assert pl.concat(step.frames()).equals(loaded(plain))
    assert step.signature == LoadDataFromDisk(dataset_path=plain).signature


def test_a_split_is_named(splits: str) -> None:
    assert loaded(splits, split="test")["id"].to_list() == [7]
    assert loaded(splits, split="train").height == 3


def test_a_single_split_needs_no_name(tmp_path: Path) -> None:
    datasets.DatasetDict({"only": numbered(2)}).save_to_disk(str(tmp_path / "one"))
    assert loaded(str(tmp_path / "one")).height == 2


@pytest.mark.parametrize(
    ("parameters", "ids"),
    [({}, [0, 1]), ({"config": "other"}, [10, 11]), ({"split": "train"}, [0, 1])],
    ids=["default", "another configuration", "with its split"],
)
def test_a_distiset_of_distilabel_is_read_by_configuration(
    distiset: str, parameters: dict[str, Any], ids: list[int]
) -> None:
    assert loaded(distiset, is_distiset=True, **parameters)["id"].to_list() == ids


def test_a_finished_pipeline_of_ours_is_read_by_configuration(ours: str) -> None:
    assert loaded(ours, is_distiset=True, config="ids").to_dicts() == [{"id": 1}, {"id": 2}]
    chats = loaded(ours, is_distiset=True, config="keep_columns_0", split="train")
    assert chats["chat"].to_list() == [CHAT, CHAT]


@pytest.mark.parametrize("wanted", [1, 1000, 1001, 9999])
def test_num_examples_takes_exactly_so_many_rows(plain: str, wanted: int) -> None:
    assert loaded(plain, num_examples=wanted).height == min(wanted, 2500)


def test_with_an_offset_the_last_batch_is_still_said_to_be_the_last(plain: str) -> None:
    step = LoadDataFromDisk(dataset_path=plain, batch_size=1000)
    flags = [(len(rows), is_last) for rows, is_last in step.process(offset=501)]
    assert flags == [(1000, False), (999, True)]


def test_keep_in_memory_gives_the_same_rows(plain: str) -> None:
    assert loaded(plain, keep_in_memory=True).equals(loaded(plain))


@pytest.fixture
def memory() -> Iterator[Any]:
    """The file system `memory://`, empty before and after."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


def test_a_folder_of_any_fsspec_url_is_read(memory: Any, plain: str, ours: str) -> None:
    for name, folder in (("plain", plain), ("ours", ours)):
        memory.put(folder, f"/{name}", recursive=True)
        shutil.rmtree(folder)
    assert loaded("memory://plain", num_examples=2)["id"].to_list() == [0, 1]
    assert loaded("memory://ours", is_distiset=True, config="ids")["id"].to_list() == [1, 2]


@pytest.mark.parametrize("folder", ["plain", "ours"])
def test_storage_options_are_forwarded(
    locked: Any, request: pytest.FixtureRequest, folder: str
) -> None:
    locked.put(request.getfixturevalue(folder), f"/{folder}", recursive=True)
    more = {"is_distiset": True, "config": "ids"} if folder == "ours" else {}
    assert "asks for its key" in error_of(f"locked://{folder}", **more)
    options = {"key": KEY_OF_THE_STORE}
    assert loaded(f"locked://{folder}", storage_options=options, **more).height > 1
    assert options == {"key": KEY_OF_THE_STORE}


def test_storage_options_are_written_nowhere_and_decide_nothing() -> None:
    plain = LoadDataFromDisk(dataset_path="x")
    with Graph("g") as graph:
        step = LoadDataFromDisk(dataset_path="x", storage_options={"key": KEY_OF_THE_STORE})
    assert KEY_OF_THE_STORE not in graph.to_yaml() + repr(step)
    assert step.signature == plain.signature


@pytest.mark.parametrize(
    ("folder", "parameters", "said"),
    [
        pytest.param("plain", {"split": "test"}, "it has no split 'test'", id="Dataset, split"),
        pytest.param(
            "splits", {}, "has several splits; set split= to one of: test, train", id="no split"
        ),
        pytest.param(
            "splits",
            {"split": "dev"},
            "no split 'dev'; set split= to one of: test, train",
            id="unknown split",
        ),
        pytest.param("distiset", {}, "say is_distiset=True", id="distiset not said"),
        pytest.param("ours", {}, "say is_distiset=True", id="ours not said"),
        pytest.param(
            "distiset",
            {"is_distiset": True, "config": "leaf"},
            "no config 'leaf'; set config= to one of: default, other",
            id="unknown config",
        ),
        pytest.param(
            "ours",
            {"is_distiset": True, "config": "leaf"},
            "no config 'leaf'; set config= to one of: ids, keep_columns_0",
            id="unknown config of ours",
        ),
        pytest.param(
            "ours",
            {"is_distiset": True, "config": "ids", "split": "test"},
            "no split 'test'; set split= to one of: train",
            id="unknown split of ours",
        ),
        pytest.param(
            "plain", {"is_distiset": True}, "it has no config 'default'", id="no distiset"
        ),
    ],
)
def test_a_missing_config_or_split_is_one_sentence_that_lists_what_there_is(
    request: pytest.FixtureRequest, folder: str, parameters: dict[str, Any], said: str
) -> None:
    assert said in error_of(request.getfixturevalue(folder), **parameters)


def test_what_is_no_saved_dataset_is_one_sentence(tmp_path: Path) -> None:
    assert "check dataset_path" in error_of(str(tmp_path / "nowhere"))
    assert "neither a `Dataset` directory nor" in error_of(str(tmp_path))
    assert "needs dataset_path=" in error_of(None)


def test_an_empty_dataset_is_an_error(tmp_path: Path) -> None:
    numbered(3).select([]).save_to_disk(str(tmp_path / "empty"))
    assert "has no rows" in error_of(str(tmp_path / "empty"))


def test_no_column_is_looked_up_before_the_run() -> None:
    with Graph("g") as graph:
        LoadDataFromDisk(dataset_path="/nowhere") >> KeepColumns(columns=["id"])
    assert graph.validate()["load_data_from_disk_0"] is None


def test_making_the_step_does_not_import_datasets() -> None:
    script = """
import sys
from tasks.sources.load_data_from_disk import LoadDataFromDisk
LoadDataFromDisk(dataset_path="x", is_distiset=True)
print([name for name in ("datasets", "fsspec", "pyarrow") if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
