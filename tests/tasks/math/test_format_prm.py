"""FormatPRM: labelled solutions in two formats for training."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from llms import Gateway
from llms.errors import ConfigurationError, RowRejected
from tasks import ExpandColumns, Graph, LoadDataFromDicts, Row
from tasks.math.format_prm import FormatPRM
from tests.tasks.conftest import applied, keyed, keys_of, rows_after

STEPS = ["Step 1: 2 + 3 = 5 +", "Step 2: 5 + 4 = 8 The answer is: 8 -"]
ROW: Row = {"instruction": "What is 2 + 3 + 4?", "solutions": STEPS}


def made(row: Row = ROW, **parameters: Any) -> Row:
    """Return what the step adds to a row."""
    return FormatPRM(**parameters).make(row)


def test_in_the_format_of_the_paper_a_token_stands_for_each_tag() -> None:
    assert made() == {
        "input": "What is 2 + 3 + 4? Step 1: 2 + 3 = 5 \u043a\u0438\n"
        "Step 2: 5 + 4 = 8 The answer is: 8 \u043a\u0438",
        "label": "What is 2 + 3 + 4? Step 1: 2 + 3 = 5 +\nStep 2: 5 + 4 = 8 The answer is: 8 -",
    }
    assert made(step_token="<step>")["input"].count(" <step>") == 2


def test_in_the_format_of_trl_labels_stand_beside_the_steps() -> None:
    assert made(format="trl") == {
        "prompt": "What is 2 + 3 + 4?",
        "completions": ["Step 1: 2 + 3 = 5", "Step 2: 5 + 4 = 8 The answer is: 8"],
        "labels": [True, False],
    }


@pytest.mark.parametrize("tags", [["yes", "no"], ["good", "no good"], ["[+]", "[-]"], ["+", "++"]])
def test_a_tag_of_several_characters_is_taken_whole(tags: list[str]) -> None:
    steps = [f"Step 1: a + {tags[0]}", f"Step 2: b - {tags[1]}"]
    row = {**ROW, "solutions": steps}
    assert made(row, format="trl", tags=tags) == {
        "prompt": ROW["instruction"],
        "completions": ["Step 1: a +", "Step 2: b -"],
        "labels": [True, False],
    }
    assert made(row, tags=tags, step_token="#")["input"].endswith("Step 1: a + #\nStep 2: b - #")


@pytest.mark.parametrize("form", ["trl", "math-shepherd"])
@pytest.mark.parametrize(
    ("solution", "reason"),
    [
        pytest.param([], "holds no list with one step", id="no steps"),
        pytest.param(None, "holds no list with one step", id="null"),
        pytest.param(STEPS[0], "holds no list with one step", id="text"),
        pytest.param([*STEPS, ""], "step 3 of 'solutions' is empty", id="empty step"),
        pytest.param([None], "step 1 of 'solutions' is null", id="null step"),
        pytest.param(["Step 1: a"], r"step 1 .* does not end in a tag, '\+' or '-'", id="no tag"),
        pytest.param(["Step 1: a+"], "does not end in a tag", id="a sign that is no tag"),
        pytest.param(["+"], "does not end in a tag", id="a tag alone"),
        pytest.param([STEPS], "several solutions; use ExpandColumns first", id="not expanded"),
    ],
)
def test_a_solution_that_is_not_labelled_is_a_rejection(
    solution: Any, reason: str, form: str
) -> None:
    with pytest.raises(RowRejected, match=reason):
        made({**ROW, "solutions": solution}, format=form)


def test_a_bad_row_harms_no_other_and_rows_keep_their_keys(gateway: Gateway) -> None:
    rows = [ROW, {**ROW, "solutions": ["Step 1: a"]}, {"instruction": "1?", "solutions": STEPS}]
    outcome = applied(FormatPRM(format="trl"), rows, gateway)
    keys = keys_of(keyed(rows))
    assert keys_of(outcome.frame) == [keys[0], keys[2]]
    assert [rejection.key for rejection in outcome.rejections] == [keys[1]]
    assert [row["labels"] for row in rows_after(outcome)] == [[True, False]] * 2
    assert outcome.frame.schema["labels"] == pl.List(pl.Boolean)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"tags": ["+", "+"]}, "two different texts"),
        ({"tags": ["+"]}, "tags"),
        ({"format": "csv"}, "format"),
        ({"step_token": ""}, "step_token"),
    ],
    ids=["equal tags", "one tag", "format", "token"],
)
def test_parameters_that_cannot_be_used_are_refused_at_once(
    parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        FormatPRM(**parameters)


@pytest.mark.parametrize(
    ("form", "columns"),
    [("trl", {"prompt", "completions", "labels"}), ("math-shepherd", {"input", "label"})],
)
def test_the_check_before_a_run_knows_the_columns(form: Any, columns: set[str]) -> None:
    with Graph("g") as graph:
        source = LoadDataFromDicts(data=[{**ROW, "solutions": [STEPS]}])
        source >> ExpandColumns(columns=("solutions",)) >> FormatPRM(format=form)
    known = graph.validate()["format_prm_0"] or {}
    assert set(known) == {"instruction", "solutions", *columns}
    with Graph("g") as graph:
        LoadDataFromDicts(data=[{**ROW, "solutions": [STEPS]}]) >> FormatPRM(format=form)
    with pytest.raises(ConfigurationError, match="needs the column 'solutions'"):
        graph.validate()
