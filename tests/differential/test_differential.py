"""Our steps make what distilabel 1.5.3 makes of the same rows and replies, or say why not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.differential.case import Case
from tests.differential.cases import CASES
from tests.differential.differences import DIFFERENCES, MORE_COLUMNS, OTHER_REPLIES
from tests.differential.in_stillhouse import Made, run
from tests.differential.record import RECORD

THEIRS: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))["cases"]

BROKEN = re.compile(r"\b(Name|Attribute|Type|Key|Index|Import|Value|Assertion)Error: ")
"""A refusal that nobody has worded."""

BESIDE_OUTPUTS = {"model_name"}
"""Columns that a refused row of distilabel's still has."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_our_step_makes_what_distilabel_makes_or_says_why_not(case: Case, tmp_path: Path) -> None:
    found = difference(case, THEIRS[case.id], run(case, tmp_path))
    if case.id in DIFFERENCES:
        assert found is not None, "the difference that is listed is none"
    else:
        assert found is None, found


def test_cases_and_record_and_differences_are_of_one_time() -> None:
    ids = [case.id for case in CASES]
    assert len(set(ids)) == len(ids)
    assert set(ids) == set(THEIRS)
    assert set(DIFFERENCES) <= set(ids)
    assert {case.id for case in CASES if case.our_replies} == set(OTHER_REPLIES)


def test_every_reason_is_one_sentence() -> None:
    for case, reason in {**DIFFERENCES, **MORE_COLUMNS, **OTHER_REPLIES}.items():
        assert reason.endswith("."), case
        assert ". " not in reason, case


def difference(case: Case, theirs: dict[str, Any], ours: Made) -> str | None:
    """Return how our rows differ from distilabel's, None where they do not."""
    if BROKEN.search(ours.refusal or ""):
        return f"our step breaks: {ours.refusal}"
    more = {entry.partition(".")[2] for entry in MORE_COLUMNS if entry.startswith(f"{case.step}.")}
    declared = theirs.get("outputs")
    if declared is not None and ours.outputs is not None:
        gone = set(declared) - BESIDE_OUTPUTS - ours.outputs
        added = ours.outputs - BESIDE_OUTPUTS - set(declared) - more
        if gone or added:
            return f"it declares other columns: without {gone or '{}'}, with {added or '{}'}"
    wanted = [row for row in theirs.get("rows", ()) if not refused(row, declared, case.rows)]
    if not wanted and not ours.rows:
        return None
    if not wanted or not ours.rows:
        return f"distilabel made {wanted or 'nothing'}, we {ours.rows or repr(ours.refusal)}"
    if len(wanted) != len(ours.rows):
        return f"distilabel made {len(wanted)} rows, we {len(ours.rows)}"
    if columns_of(wanted) | more != columns_of(ours.rows):
        return f"distilabel's columns are {columns_of(wanted)}, ours {columns_of(ours.rows)}"
    for one, other in zip(wanted, ours.rows, strict=True):
        for name in one:
            if not same(one[name], other.get(name)):
                return f"{name}: distilabel made {one[name]!r}, we {other.get(name)!r}"
    questions = len(case.our_replies) or theirs["asked"]
    if ours.asked != questions:
        return f"distilabel asked {theirs['asked']} times, we {ours.asked}"
    return None


def refused(
    row: dict[str, Any], declared: Sequence[str] | None, given: Sequence[dict[str, Any]]
) -> bool:
    """Tell whether a row of distilabel's has none of the columns that the step should make."""
    outputs = set(declared or ()) - BESIDE_OUTPUTS
    made = outputs & set(row)
    return bool(made) and all(empty(row[name]) for name in made) and row not in given


def empty(value: Any) -> bool:
    """Tell whether a value is null, or a list of nothing but nulls."""
    return value is None or (isinstance(value, list) and all(item is None for item in value))


def columns_of(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Return the columns of rows."""
    return {name for row in rows for name in row}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal, real numbers up to their last digits."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = {*one, *other}
        return all(same(one.get(name), other.get(name)) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return bool(one == pytest.approx(other, rel=1e-5, abs=1e-6))
    return type(one) is type(other) and bool(one == other)
