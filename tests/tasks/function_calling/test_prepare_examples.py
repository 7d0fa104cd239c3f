"""`PrepareExamples`: pairs as one text."""

from __future__ import annotations

from typing import Any

import pytest

from llms.errors import ConfigurationError
from tasks.function_calling.prepare_examples import PrepareExamples
from tests.tasks.conftest import applied, rows_after

ROW = {"query": ["Add 2 and 3.", "Greet Ada."], "answers": ['[{"name": "add"}]', '["greet"]']}


def test_pairs_are_written_in_order_with_an_empty_line_between_them() -> None:
    (row,) = next(PrepareExamples().process([ROW]))

    assert row["examples"] == (
        '## Query:\nAdd 2 and 3.\n## Answers:\n[{"name": "add"}]\n\n'
        '## Query:\nGreet Ada.\n## Answers:\n["greet"]'
    )


def test_all_other_columns_stay() -> None:
    (row,) = next(PrepareExamples().process([{"id": 7, **ROW, "func_name": "add"}]))

    assert list(row) == ["id", "query", "answers", "func_name", "examples"]
    assert row["id"] == 7


def test_a_template_may_hold_braces_of_its_own() -> None:
    step = PrepareExamples(template='{"query": {{ query }}, "calls": {{ answers }}}')

    (row,) = next(step.process([{"query": ["Hi"], "answers": ["[{}]"]}]))

    assert row["examples"] == '{"query": Hi, "calls": [{}]}'


def test_braces_in_the_values_stay_as_they_are() -> None:
    (row,) = next(PrepareExamples().process([{"query": ["{{ 1 }} {x}"], "answers": ["{}"]}]))

    assert "{{ 1 }} {x}" in row["examples"]


def test_answers_that_are_no_texts_are_written_as_json() -> None:
    answers = [[{"name": "grüße", "arguments": {"n": 1}}]]

    (row,) = next(PrepareExamples().process([{"query": ["Hi"], "answers": answers}]))

    assert row["examples"].endswith('[{"name": "grüße", "arguments": {"n": 1}}]')


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"query": []}, "the column 'query' holds no list with one item or more"),
        ({"query": None}, "the column 'query' holds no list with one item or more"),
        ({"answers": []}, "the column 'answers' holds no list with one item or more"),
        ({"answers": ["[]"]}, "not equally long: 'query' has 2 items, 'answers' has 1"),
        ({"query": ["Hi", None]}, "query 2 is null"),
        ({"query": ["Hi", " "]}, "query 2 is empty"),
        ({"answers": [None, "[]"]}, "answer 1 is null"),
    ],
    ids=[
        "no pairs",
        "null",
        "no answers",
        "an answer too few",
        "a query missing",
        "a query empty",
        "an answer missing",
    ],
)
def test_a_row_without_whole_pairs_is_a_rejection_and_harms_no_neighbour(
    change: dict[str, Any], reason: str
) -> None:
    outcome = applied(PrepareExamples(), [ROW, {**ROW, **change}])

    assert len(rows_after(outcome)) == 1
    (rejection,) = outcome.rejections
    assert reason in rejection.reason


@pytest.mark.parametrize(
    "template",
    ["{query}: {answers}", "{{ query }}", "{{ query }} {{ answers }} {{ more }}", "{{ query"],
    ids=["the braces of str.format", "a part is missing", "a part too many", "broken"],
)
def test_a_template_that_does_not_fit_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError, match="template"):
        PrepareExamples(template=template)
