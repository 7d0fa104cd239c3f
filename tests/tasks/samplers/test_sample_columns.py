"""Sampled columns beside others: a row's values are its own, whatever happens around it."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms.errors import ConfigurationError
from tasks import Graph, LoadDataFromDicts, StepContext
from tasks.row import KEY
from tasks.samplers import Conditional, Person, Uniform
from tasks.samplers.sample_columns import SampleColumns
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

ROWS: list[dict[str, Any]] = [
    {"id": number, "field": "law" if number % 2 else "art"} for number in range(40)
]
COLUMNS: dict[str, Any] = {
    "tone": ["formal", "casual"],
    "topic": Conditional(on="field", cases={"law": ["wills", "leases"], "art": ["oil", "ink"]}),
    "words": Uniform(low=50, high=500, decimals=0),
}


def sampled(**parameters: Any) -> SampleColumns:
    return SampleColumns(**{"columns": COLUMNS, **parameters})


def test_by_hand_the_columns_stand_behind_those_that_the_rows_have() -> None:
    made = next(sampled().process(ROWS))
    assert [list(row) for row in made] == [["id", "field", "tone", "topic", "words"]] * len(ROWS)
    for row in made:
        assert row["topic"] in {"law": ["wills", "leases"], "art": ["oil", "ink"]}[row["field"]]


def test_rows_keep_their_keys_and_columns_have_their_types() -> None:
    outcome = applied(sampled(), ROWS)
    assert keys_of(outcome.frame) == keys_of(keyed(ROWS))
    assert outcome.frame.schema["words"] == pl.Int64


def test_values_depend_on_neither_partition_nor_order_nor_other_rows() -> None:
    frame = keyed(ROWS)
    whole = sampled().apply(frame, StepContext()).frame
    parts = [sampled().apply(part, StepContext()).frame for part in frame.iter_slices(7)]
    assert pl.concat(parts).equals(whole)
    backwards = sampled().apply(frame.reverse(), StepContext()).frame
    assert backwards.reverse().equals(whole)
    some = sampled().apply(frame.filter(pl.col("id") > 30), StepContext()).frame
    assert some.equals(whole.filter(pl.col("id") > 30))


def test_values_depend_neither_on_other_columns_nor_on_the_name_of_the_step() -> None:
    plain = applied(sampled(), ROWS).frame
    other = applied(sampled(columns={"more": [1, 2], **COLUMNS}, name="other"), ROWS).frame
    assert other.select(plain.columns).equals(plain)


def test_a_new_row_leaves_the_others_as_they_are() -> None:
    before = {row["id"]: row for row in rows_after(applied(sampled(), ROWS))}
    after = rows_after(applied(sampled(), [{"id": 99, "field": "law"}, *ROWS]))
    assert {row["id"]: row for row in after if row["id"] in before} == before


def test_equal_rows_get_values_of_their_own() -> None:
    rows = rows_after(applied(sampled(), [ROWS[0]] * 30))
    assert len({row["words"] for row in rows}) > 20


def test_a_seed_gives_other_values() -> None:
    assert not applied(sampled(), ROWS).frame.equals(applied(sampled(seed=1), ROWS).frame)


def test_a_row_without_a_case_is_rejected_and_harms_no_other() -> None:
    outcome = applied(sampled(), [ROWS[0], {"id": 1, "field": "music"}, ROWS[1]])
    assert [row["id"] for row in rows_after(outcome)] == [0, 1]
    (rejection,) = outcome.rejections
    assert rejection.reason == "there is no case for 'music' in 'field'"
    assert rejection.row == {"id": 1, "field": "music"}
    assert outcome.accounts(["x"] * 3).rejected == 1


@pytest.mark.parametrize("rows", [0, 1], ids=["no rows", "none left"])
def test_a_partition_without_rows_has_the_same_columns(rows: int) -> None:
    frame = keyed([{"id": 1, "field": "music"}]).head(rows)
    outcome = sampled(columns={**COLUMNS, "who": Person()}).apply(frame, StepContext())
    assert outcome.frame.height == 0
    assert outcome.frame.drop(KEY, "_parent_key").schema == {
        "id": pl.Int64,
        "field": pl.String,
        "tone": pl.String,
        "topic": pl.String,
        "words": pl.Int64,
        "who": Person().dtype,
    }


def test_mappings_name_the_datasets_columns() -> None:
    step = sampled(input_mappings={"field": "area"}, output_mappings={"tone": "style"})
    (row,) = rows_after(applied(step, [{"area": "law"}]))
    assert list(row) == ["area", "style", "topic", "words"]


def test_an_unknown_column_is_an_error_before_the_run_and_in_it() -> None:
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{"id": 1}]) >> sampled()
    with pytest.raises(ConfigurationError, match="needs the column 'field', which does not exist"):
        graph.validate()
    with pytest.raises(ConfigurationError, match="needs the column 'field', which does not exist"):
        applied(sampled(), [{"id": 1}])


def test_a_circle_is_an_error_that_names_it() -> None:
    circle = {
        "a": Conditional(on="b", cases={"x": [1]}),
        "b": Conditional(on="c", cases={"x": [1]}),
        "c": Conditional(on="a", cases={"x": [1]}),
    }
    with pytest.raises(ConfigurationError, match="in a circle, 'a' -> 'b' -> 'c' -> 'a'"):
        sampled(columns=circle)


def test_the_step_goes_to_yaml_and_back() -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=ROWS)
        source >> sampled(name="sampled", seed=7)
    described = graph.to_dict()
    described["steps"][1]["step"] = "tasks.samplers.sample_columns:SampleColumns"
    back = Graph.from_dict(described)
    assert back.to_yaml() == graph.to_yaml()
    assert back.steps["sampled"].signature == graph.steps["sampled"].signature
    assert (back.validate()["sampled"] or {})["words"] == pl.Int64()
