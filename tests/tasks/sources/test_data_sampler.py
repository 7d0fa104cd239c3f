"""Drawn examples: the same ones every time, and nothing moves when there are more of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns
from tasks.row import KEY
from tasks.sources.data_sampler import DataSampler

DATA = [{"example": f"example {number}"} for number in range(30)]


def sampler(**parameters: Any) -> DataSampler:
    return DataSampler(**{"data": DATA, "samples": 10, **parameters})


def rows_of(step: DataSampler) -> list[dict[str, Any]]:
    return pl.concat(step.frames()).to_dicts()


def keys_of(step: DataSampler) -> list[str]:
    return pl.concat(step.keyed_frames())[KEY].to_list()


def test_by_hand_it_yields_batches_of_lists_and_says_which_is_the_last() -> None:
    batches = list(sampler(size=3, batch_size=4).process())
    assert [(len(rows), is_last) for rows, is_last in batches] == [
        (4, False),
        (4, False),
        (2, True),
    ]
    assert {len(row["example"]) for rows, _ in batches for row in rows} == {3}


def test_size_and_samples_have_defaults() -> None:
    rows = rows_of(DataSampler(data=DATA))
    assert (len(rows), len(rows[0]["example"])) == (100, 2)


def test_a_seed_decides_the_rows_which_no_later_run_draws_otherwise() -> None:
    assert rows_of(sampler()) == rows_of(sampler(seed=42))
    assert rows_of(sampler()) != rows_of(sampler(seed=43))
    assert rows_of(sampler(samples=2)) == [
        {"example": ["example 10", "example 18"]},
        {"example": ["example 15", "example 16"]},
    ]


def test_an_offset_is_honoured_and_the_last_batch_says_so() -> None:
    whole = rows_of(sampler())
    assert list(sampler().process(offset=7)) == [(whole[7:], True)]


def test_batches_do_not_change_the_rows() -> None:
    made = [row for rows, _ in sampler(batch_size=3).process() for row in rows]
    assert made == rows_of(sampler())


def test_more_samples_keep_the_earlier_rows_and_their_keys() -> None:
    few, many = sampler(samples=10), sampler(samples=2500)
    assert rows_of(many)[:10] == rows_of(few)
    assert keys_of(many)[:10] == keys_of(few)
    assert len(set(keys_of(many))) == 2500


def test_no_example_comes_twice_in_a_row() -> None:
    rows = rows_of(sampler(data=DATA[:3], size=3, samples=50))
    assert all(len(set(row["example"])) == 3 for row in rows)
    assert len({tuple(row["example"]) for row in rows}) > 1


def test_every_example_is_drawn_equally_often() -> None:
    drawn = Counter(
        example for row in rows_of(sampler(samples=3000, size=1)) for example in row["example"]
    )
    assert len(drawn) == len(DATA)
    assert chisquare(list(drawn.values())).pvalue > 0.001


def test_a_key_that_only_a_late_dict_has_is_a_column_with_nulls() -> None:
    step = sampler(data=[{"a": 1}, {"a": 2, "late": "x"}], size=2, samples=1)
    (row,) = rows_of(step)
    assert sorted(row["a"]) == [1, 2]
    assert row["late"][row["a"].index(1)] is None
    assert step.outputs == {"a": pl.List(pl.Int64()), "late": pl.List(pl.String())}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"data": []}, "'data': there are no rows", id="no data"),
        pytest.param({"data": [{}]}, "'data': there are no rows", id="no columns"),
        pytest.param(
            {"data": DATA[:1]}, "cannot draw 2 different rows out of 1", id="too few rows"
        ),
        pytest.param({"size": 0}, "'size'", id="size"),
        pytest.param({"samples": 0}, "'samples'", id="samples"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        sampler(**parameters)


def test_values_that_cannot_share_a_column_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="Row 2 of data does not fit"):
        rows_of(sampler(data=[{"a": "x"}, {"a": {"b": 1}}]))


def test_other_data_gives_another_signature() -> None:
    assert sampler().signature != sampler(data=DATA[:20]).signature


def test_the_columns_are_known_before_the_run_and_the_step_goes_to_yaml_and_back() -> None:
    with Graph("g") as graph:
        step = sampler(size=3, output_mappings={"example": "examples"})
        step >> KeepColumns(columns=["examples"])
    assert graph.validate()["keep_columns_0"] == {"examples": pl.List(pl.String())}
    described = graph.to_dict()
    described["steps"][0]["step"] = "tasks.sources.data_sampler:DataSampler"
    again = Graph.from_dict(described).steps["data_sampler_0"]
    assert isinstance(again, DataSampler)
    assert rows_of(again) == rows_of(step)
