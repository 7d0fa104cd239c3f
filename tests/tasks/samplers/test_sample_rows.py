"""Rows out of nothing: each is what its number and the seed make it, for good."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import chi2_contingency, chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks import Graph, KeepColumns
from tasks.row import KEY
from tasks.samplers import Category, Conditional, Date, Gaussian, Person, Uniform
from tasks.samplers.sample_rows import SampleRows
from tests.tasks.samplers.conftest import SIGNIFICANCE

COLUMNS: dict[str, Any] = {
    "topic": Conditional(on="field", cases={"law": ["wills", "leases"], "art": ["oil"]}),
    "field": Category(values=["law", "art"], weights=[3, 1]),
    "share": Uniform(low=0, high=1, decimals=2),
    "height": Gaussian(mean=170, stddev=10, decimals=0),
    "day": Date(start="2020-01-01", end="2026-12-31"),
}


def sampled(num_rows: int = 20, **parameters: Any) -> SampleRows:
    return SampleRows(**{"num_rows": num_rows, "columns": COLUMNS, **parameters})


def frame_of(step: SampleRows) -> pl.DataFrame:
    return pl.concat(step.keyed_frames())


def rows_of(step: SampleRows) -> list[dict[str, Any]]:
    return pl.concat(step.frames()).to_dicts()


def test_columns_come_in_the_order_named_with_their_types() -> None:
    frame = pl.concat(sampled().frames())
    assert frame.schema == {
        "topic": pl.String(),
        "field": pl.String(),
        "share": pl.Float64(),
        "height": pl.Int64(),
        "day": pl.Date(),
    }
    assert frame.height == 20
    assert frame.null_count().sum_horizontal().item() == 0


def test_by_hand_it_yields_batches_and_says_which_is_the_last() -> None:
    step = sampled(5, batch_size=2)
    made = list(step.process())
    assert [(len(rows), is_last) for rows, is_last in made] == [(2, False), (2, False), (1, True)]
    assert list(step.process(offset=4)) == [made[-1]]


def test_a_column_is_drawn_after_the_ones_it_depends_on_wherever_it_stands() -> None:
    for row in rows_of(sampled(200)):
        assert row["topic"] in (["oil"] if row["field"] == "art" else ["wills", "leases"])


def test_the_rows_are_the_same_in_every_process() -> None:
    script = """
from tests.tasks.samplers.test_sample_rows import frame_of, sampled
print(frame_of(sampled()).write_json())
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {frame_of(sampled()).write_json()}


def test_more_rows_keep_the_earlier_ones_and_their_keys() -> None:
    few, many = frame_of(sampled(20)), frame_of(sampled(2500))
    assert many.head(20).equals(few)
    assert many[KEY].n_unique() == 2500


def test_another_column_changes_neither_the_others_nor_the_keys() -> None:
    more = {"tone": ["formal", "casual"], **COLUMNS}
    assert frame_of(sampled(columns=more)).drop("tone").equals(frame_of(sampled()))


def test_another_seed_gives_other_rows_under_other_keys() -> None:
    one, other = frame_of(sampled()), frame_of(sampled(seed=1))
    assert not one.equals(other)
    assert not set(one[KEY]) & set(other[KEY])


def test_key_columns_may_identify_a_row_instead() -> None:
    once = frame_of(sampled(1, key_columns=("day",)))[KEY][0]
    renamed = {**COLUMNS, "share": Uniform(low=5, high=6)}
    assert frame_of(sampled(1, columns=renamed, key_columns=("day",)))[KEY][0] == once


def test_rows_and_columns_do_not_depend_on_each_other_unless_they_say_so() -> None:
    names = {name: ["x", "y", "z"] for name in ("a", "b")}
    rows = rows_of(sampled(3000, columns=names))
    pairs = Counter((row["a"], row["b"]) for row in rows)
    table = [[pairs[a, b] for b in "xyz"] for a in "xyz"]
    assert chi2_contingency(table).pvalue > SIGNIFICANCE
    follows = Counter((one["a"], two["a"]) for one, two in zip(rows[::2], rows[1::2], strict=True))
    assert len(follows) == 9
    assert chisquare(list(follows.values())).pvalue > SIGNIFICANCE


def test_a_person_is_a_struct_and_a_null_is_a_value() -> None:
    step = sampled(30, columns={"who": Person(), "note": [None, "x"]})
    frame = pl.concat(step.frames())
    assert frame.schema["who"] == Person().dtype
    assert {row["note"] for row in frame.to_dicts()} == {None, "x"}


def test_numbers_beside_text_are_text_in_every_frame() -> None:
    step = sampled(2500, columns={"a": Category(values=["x", 1], weights=[1, 500])})
    frames = list(step.frames())
    assert {frame.schema["a"] for frame in frames} == {pl.String()}
    assert set(pl.concat(frames)["a"]) == {"1", "x"}


def test_ten_thousand_rows_of_five_columns_take_about_a_second() -> None:
    step = sampled(10_000)
    started = time.process_time()
    assert sum(frame.height for frame in step.keyed_frames()) == 10_000
    assert time.process_time() - started < 4


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        pytest.param({}, "'columns': it names no column", id="none"),
        pytest.param(
            {
                "a": Conditional(on="b", cases={"x": [1]}),
                "b": Conditional(on="a", cases={"x": [1]}),
            },
            "depend on each other in a circle, ('a' -> 'b' -> 'a'|'b' -> 'a' -> 'b'); let one",
            id="a circle",
        ),
        pytest.param(
            {"a": Conditional(on="a", cases={"x": [1]})},
            "in a circle, 'a' -> 'a'; let one",
            id="itself",
        ),
        pytest.param(
            {"a": Conditional(on="b", cases={"x": [1]})},
            "SampleRows samples no column 'b', on which 'a' depends; it samples: a",
            id="an unknown column",
        ),
        pytest.param(
            {"a": ["x", "y"], "b": Conditional(on="a", cases={"x": [1]})},
            "The column 'b' cannot be sampled: 'a' may be 'y', which has no case; add it",
            id="a value without a case",
        ),
        pytest.param(
            {"a": ["x"], "b": Conditional(on="a", cases={"x": [1], "z": [2]})},
            "'b' cannot be sampled: there is a case 'z', but 'a' is only ever one of: x",
            id="a case without a value",
        ),
        pytest.param(
            {"a": {"kind": "uniform", "low": 2, "high": 1}},
            "The column 'a' cannot be sampled: Uniform: low=2 is above high=1; swap them",
            id="parameters of a sampler",
        ),
        pytest.param(
            {"a": "x"}, "The column 'a' cannot be sampled: A sampler is a list", id="no sampler"
        ),
    ],
)
def test_columns_that_do_not_go_together_are_one_sentence_at_construction(
    columns: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        sampled(columns=columns)
    assert "\n" not in str(caught.value)


def test_a_case_for_every_drawn_value_is_only_asked_of_what_can_be_told() -> None:
    dice = Uniform(low=1, high=2, decimals=0)
    step = sampled(columns={"a": dice, "b": Conditional(on="a", cases={"1": ["x"], "2": ["y"]})})
    assert {(row["a"], row["b"]) for row in rows_of(step)} == {(1, "x"), (2, "y")}


def test_no_rows_at_all_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="'num_rows'"):
        sampled(0)


def test_the_columns_are_known_before_the_run() -> None:
    with Graph("g") as graph:
        sampled(output_mappings={"topic": "theme"}) >> KeepColumns(columns=["theme", "share"])
    assert graph.validate()["keep_columns_0"] == {"theme": pl.String(), "share": pl.Float64()}


def test_the_step_goes_to_yaml_and_back(tmp_path: Path) -> None:
    with Graph("g") as graph:
        step = sampled(columns={**COLUMNS, "who": Person(locale="de_DE"), "tone": ["warm"]})
    path = tmp_path / "pipeline.yaml"
    here = "tasks.samplers.sample_rows:SampleRows"
    path.write_text(graph.to_yaml().replace("step: SampleRows", f"step: {here}"))
    back = Graph.from_yaml(path)
    assert back.to_yaml() == graph.to_yaml()
    again = back.steps["sample_rows_0"]
    assert isinstance(again, SampleRows)
    assert again.signature == step.signature
    assert frame_of(again).equals(frame_of(step))


def test_yaml_reads_like_what_it_means_though_its_bare_on_is_true(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    path.write_text(
        """
name: g
steps:
- name: rows
  step: tasks.samplers.sample_rows:SampleRows
  parameters:
    num_rows: 3
    columns:
      level: [1, 2]
      open: [true]
      since: {kind: date, start: 2026-01-01, end: 2026-01-01}
      price:
        kind: conditional
        on: level
        cases:
          1: {kind: uniform, low: 5, high: 5}
          2: [7.5]
      hint:
        kind: conditional
        on: open
        cases: {true: [come in]}
"""
    )
    step = Graph.from_yaml(path).steps["rows"]
    assert isinstance(step, SampleRows)
    for row in rows_of(step):
        assert row["price"] == {1: 5.0, 2: 7.5}[row["level"]]
        assert (row["hint"], str(row["since"])) == ("come in", "2026-01-01")


def test_every_parameter_of_every_sampler_is_in_the_signature() -> None:
    changed = [
        sampled(seed=1),
        sampled(columns={**COLUMNS, "share": Uniform(low=0, high=1, decimals=3)}),
        sampled(columns={**COLUMNS, "field": Category(values=["law", "art"], weights=[2, 1])}),
        sampled(columns={**COLUMNS, "extra": [1]}),
        sampled(),
    ]
    assert len({step.signature for step in changed}) == len(changed)
    assert sampled().signature == sampled(batch_size=7).signature
