"""Sources from whatever holds rows: the rows decide what is reused."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import datasets
import pandas as pd  # type: ignore[import-untyped]  # pandas has its types elsewhere
import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import GeneratorStep, Graph, KeepColumns, LoadDataFromDicts
from tasks.row import KEY
from tasks.sources.load_data_from_table import LoadDataFromTable
from tasks.sources.make_generator_step import make_generator_step

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

ROWS: list[dict[str, Any]] = [{"id": 1, "text": "one"}, {"id": 2, "text": None}]
MAKERS = {
    "dicts": lambda rows: rows,
    "polars": pl.DataFrame,
    "pandas": pd.DataFrame,
    "Dataset": datasets.Dataset.from_list,
}


@pytest.fixture(params=list(MAKERS))
def maker(request: pytest.FixtureRequest) -> Any:
    """Return what turns rows into one kind of holder."""
    return MAKERS[request.param]


def rows_of(step: GeneratorStep) -> list[dict[str, Any]]:
    return pl.concat(step.frames()).to_dicts()


def test_every_holder_gives_the_same_rows_and_keys(maker: Any) -> None:
    step = make_generator_step(maker(ROWS))
    (frame,) = step.keyed_frames()
    (plain,) = LoadDataFromDicts(data=ROWS).keyed_frames()
    assert frame.equals(plain)
    assert list(step.process()) == [(ROWS, True)]


def test_a_list_of_dicts_is_the_step_for_it() -> None:
    assert type(make_generator_step(ROWS)) is LoadDataFromDicts


def test_equal_rows_in_another_object_are_the_same_source(maker: Any) -> None:
    one, other = make_generator_step(maker(ROWS)), make_generator_step(maker(ROWS))
    assert one.signature == other.signature


def test_other_rows_are_another_source_and_never_give_stale_answers(maker: Any) -> None:
    changed = [ROWS[0], {"id": 2, "text": "two"}]
    one, other = make_generator_step(maker(ROWS)), make_generator_step(maker(changed))
    assert one.signature != other.signature
    before, after = (pl.concat(step.keyed_frames())[KEY].to_list() for step in (one, other))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_dataset_is_known_by_its_rows_and_not_by_its_fingerprint(tmp_path: Path) -> None:
    dataset = datasets.Dataset.from_list(ROWS)
    same = datasets.Dataset.from_list([ROWS[1], ROWS[0]]).select([1, 0])
    lying = datasets.Dataset.from_list([{"id": 9, "text": "nine"}, ROWS[1]])
    lying._fingerprint = dataset._fingerprint
    signatures = [make_generator_step(table).signature for table in (dataset, same, lying)]
    assert signatures[0] == signatures[1] != signatures[2]


def test_a_later_change_of_the_frame_does_not_change_the_source() -> None:
    frame = pl.DataFrame(ROWS)
    step = make_generator_step(frame)
    frame.insert_column(0, pl.Series("late", [1, 2]))
    assert rows_of(step) == ROWS


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(pl.DataFrame({"a": [1.0]}), id="type"),
        pytest.param(pl.DataFrame({"b": [1]}), id="name"),
        pytest.param(pl.DataFrame({"a": [1, 1]}), id="one more equal row"),
    ],
)
def test_types_names_and_equal_rows_count_too(frame: pl.DataFrame) -> None:
    plain = make_generator_step(pl.DataFrame({"a": [1]}))
    assert make_generator_step(frame).signature != plain.signature


def test_types_stay_as_they_are() -> None:
    frame = pl.DataFrame(
        {"day": [date(2026, 1, 2)], "small": pl.Series([1], dtype=pl.Int8), "raw": [b"x"]}
    )
    step = make_generator_step(frame)
    assert pl.concat(step.frames()).equals(frame)
    assert step.outputs == dict(frame.schema)


def test_the_signature_is_the_same_in_every_process() -> None:
    script = """
import polars as pl
from tasks.sources.make_generator_step import make_generator_step
print(make_generator_step(pl.DataFrame({"a": ["x", None], "b": [[1], []]})).signature)
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def test_a_large_table_comes_in_frames_of_bounded_height(maker: Any) -> None:
    step = make_generator_step(maker([{"id": number} for number in range(2500)]))
    frames = list(step.frames())
    assert max(frame.height for frame in frames) <= 1000
    assert pl.concat(frames)["id"].to_list() == list(range(2500))


def test_with_an_offset_the_last_batch_is_still_said_to_be_the_last(maker: Any) -> None:
    step = make_generator_step(maker([{"id": number} for number in range(5)]), batch_size=2)
    assert [(len(rows), is_last) for rows, is_last in step.process(offset=2)] == [
        (2, False),
        (1, True),
    ]


def test_it_takes_the_parameters_of_a_step() -> None:
    with Graph("g") as graph:
        pass
    step = make_generator_step(
        pl.DataFrame(ROWS), graph, 7, None, {"text": "prompt"}, name="mine", key_columns=["id"]
    )
    assert graph.steps == {"mine": step}
    assert (step.batch_size, step.key_columns) == (7, ("id",))
    (frame,) = step.keyed_frames()
    assert frame.columns[:2] == ["id", "prompt"]


def test_inside_a_pipeline_the_source_belongs_to_it_and_its_columns_are_known() -> None:
    with Graph("g") as graph:
        make_generator_step(pl.DataFrame(ROWS)) >> KeepColumns(columns=["text"])
    assert graph.validate()["keep_columns_0"] == {"text": pl.String()}


def test_yaml_holds_the_digest_and_a_run_says_that_the_rows_are_missing() -> None:
    with Graph("g") as graph:
        step = make_generator_step(pl.DataFrame(ROWS), name="mine")
        step >> KeepColumns(columns=["text"])
    described = graph.to_dict()
    assert "one" not in graph.to_yaml()
    described["steps"][0]["step"] = "tasks.sources.load_data_from_table:LoadDataFromTable"
    back = Graph.from_dict(described)
    back.validate()
    source = back.steps["mine"]
    assert isinstance(source, LoadDataFromTable)
    assert source.signature == step.signature
    assert back.to_yaml() == graph.to_yaml()
    with pytest.raises(ConfigurationError, match="'mine' were in memory when the pipeline was"):
        list(source.frames())


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        pytest.param([], "there are no rows", id="empty list"),
        pytest.param(pl.DataFrame({"a": []}), "The table has no rows", id="empty frame"),
        pytest.param(pd.DataFrame({"a": []}), "The table has no rows", id="empty pandas"),
        pytest.param(
            datasets.Dataset.from_list(ROWS).select([]), "The table has no rows", id="no Dataset"
        ),
        pytest.param(pl.DataFrame({"a": [object()]}), "'a' holds Python objects", id="objects"),
        pytest.param(
            pd.DataFrame({"a": [{"x": 1}, "y"]}), "of pandas cannot be read", id="mixed pandas"
        ),
        pytest.param("owner/name", "not from a str", id="text"),
        pytest.param(
            datasets.DatasetDict({"train": datasets.Dataset.from_list(ROWS)}),
            "one split of a dataset .*, not from a DatasetDict",
            id="splits",
        ),
        pytest.param(
            datasets.Dataset.from_list(ROWS).to_iterable_dataset(),
            "not from a IterableDataset",
            id="iterable",
        ),
    ],
)
def test_what_cannot_be_a_source_is_one_sentence(dataset: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make_generator_step(dataset)


def test_the_index_of_pandas_is_no_column() -> None:
    step = make_generator_step(pd.DataFrame(ROWS, index=["x", "y"]))
    assert list(step.outputs) == ["id", "text"]
