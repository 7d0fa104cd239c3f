"""Rows from memory keep every key, every type and every value."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns, LoadDataFromDicts
from tasks.row import KEY
from tests.tasks.conftest import Rows


def loaded(data: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.concat(LoadDataFromDicts(data=data).frames())


def values(*items: Any) -> list[Any]:
    return loaded([{"a": item} for item in items])["a"].to_list()


def test_rows_come_out_as_they_are_in_order_and_with_keys() -> None:
    step = LoadDataFromDicts(data=[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    (frame,) = step.keyed_frames()
    assert frame.drop("_parent_key").columns == ["a", "b", KEY]
    assert frame["b"].to_list() == ["x", "y"]
    assert frame[KEY].n_unique() == 2


def test_by_hand_it_yields_batches_and_says_which_is_the_last() -> None:
    step = LoadDataFromDicts(data=[{"a": number} for number in range(5)], batch_size=2)
    assert list(step.process()) == [
        ([{"a": 0}, {"a": 1}], False),
        ([{"a": 2}, {"a": 3}], False),
        ([{"a": 4}], True),
    ]
    assert list(step.process(offset=4)) == [([{"a": 4}], True)]


def test_a_key_that_only_a_late_row_has_is_a_column() -> None:
    rows = [{"a": 1}] * 1500 + [{"a": 1, "late": "x"}]
    assert loaded(rows)["late"].to_list() == [None] * 1500 + ["x"]


def test_all_frames_have_the_same_columns_and_types() -> None:
    rows: list[dict[str, Any]] = [{"a": 1}] * 1500 + [{"a": 1.5, "b": {"c": [1]}}]
    frames = list(LoadDataFromDicts(data=rows).frames())
    assert len(frames) > 1
    assert len({str(frame.schema) for frame in frames}) == 1


@pytest.mark.parametrize(
    ("items", "held"),
    [
        pytest.param([1, 2.5], [1.0, 2.5], id="whole numbers beside fractions become floats"),
        pytest.param([1, "x"], ["1", "x"], id="numbers beside text become text"),
        pytest.param([True, 3], ["true", "3"], id="truth values beside numbers become text"),
        pytest.param([2**70], [str(2**70)], id="whole numbers beyond 64 bits become text"),
        pytest.param([[1], ["x"], []], [["1"], ["x"], []], id="in lists too"),
        pytest.param(
            [{"b": 1}, {"c": "x"}],
            [{"b": 1, "c": None}, {"b": None, "c": "x"}],
            id="structs get the fields of all rows",
        ),
        pytest.param(
            [[{"b": 1}], [{"b": 2, "c": [0.5]}]],
            [[{"b": 1, "c": None}], [{"b": 2, "c": [0.5]}]],
            id="structs in lists too",
        ),
        pytest.param([(1, 2)], [[1, 2]], id="tuples are lists"),
        pytest.param([date(2026, 1, 2), None], [date(2026, 1, 2), None], id="dates stay"),
        pytest.param([b"x"], [b"x"], id="bytes stay"),
        pytest.param([Decimal("1.5")], [Decimal("1.5")], id="decimals stay"),
    ],
)
def test_every_value_fits_its_column_without_loss(items: list[Any], held: list[Any]) -> None:
    assert values(*items) == held


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(["x", {"b": 1}], id="text and an object"),
        pytest.param([{"b": "x"}, {"b": {"c": 1}}], id="the same inside an object"),
        pytest.param([1, [1]], id="a number and a list"),
        pytest.param(["x", date(2026, 1, 2)], id="text and a date"),
        pytest.param(["x", {1, 2}], id="a set"),
    ],
)
def test_values_that_cannot_share_a_column_are_an_error_that_names_row_and_column(
    items: list[Any],
) -> None:
    with pytest.raises(ConfigurationError, match="Row 2 of data does not fit: the column 'a'"):
        values(*items)


def test_objects_without_fields_are_an_error_because_no_file_can_hold_them() -> None:
    with pytest.raises(ConfigurationError, match="'a' of data holds only objects without fields"):
        values({}, {})


@pytest.mark.parametrize("data", [[], [{}]], ids=["no rows", "no columns"])
def test_an_empty_source_is_an_error(data: list[dict[str, Any]]) -> None:
    with pytest.raises(ConfigurationError, match="'data': there are no rows; give a list"):
        LoadDataFromDicts(data=data)


def test_other_data_gives_another_signature() -> None:
    one, other = (LoadDataFromDicts(data=[{"a": number}]) for number in (1, 2))
    assert one.signature != other.signature


def test_the_columns_are_known_before_the_run() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{"a": 1}, {"b": "x"}], output_mappings={"b": "text"})
        source >> KeepColumns(columns=["text"])
    assert graph.validate()["keep_columns_0"] == {"text": pl.String()}
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"a": 1}]) >> KeepColumns(columns=["b"])
    with pytest.raises(ConfigurationError, match="needs the column 'b'"):
        graph.validate()


def test_the_step_goes_to_yaml_and_back() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"a": 1, "b": ["x"]}], key_columns=("a",))
    again = Graph.from_dict(graph.to_dict())
    assert again.to_yaml() == graph.to_yaml()
    assert isinstance(again.steps["load_data_from_dicts_0"], LoadDataFromDicts)


def test_it_gives_the_same_rows_as_a_plain_source() -> None:
    data = [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
    (mine,), (plain,) = LoadDataFromDicts(data=data).keyed_frames(), Rows(data=data).keyed_frames()
    assert mine.equals(plain)
