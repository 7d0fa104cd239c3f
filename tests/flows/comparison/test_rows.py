"""Rows by their keys: new, changed, gone or the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.comparison.comparison import compare
from flows.comparison.rows import SAMPLES, RowChanges
from flows.versions.saved import SavedVersion
from flows.versions.staging import Contents
from tests.flows.versions import saved, version_of

KEYED = ("id",)


def row(number: int, text: str = "A text.", **more: Any) -> dict[str, Any]:
    return {"id": number, "text": text, **more}


def changes(
    tmp_path: Path, now: list[dict[str, Any]], then: list[dict[str, Any]], **options: Any
) -> RowChanges:
    before = saved(tmp_path / "then", version_of(then, key_columns=KEYED), None, **options)
    version = saved(tmp_path / "now", version_of(now, key_columns=KEYED), before, **options)
    return compare(version, before).configurations["default"].rows


def counts(found: RowChanges) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.removed, found.unchanged


def test_rows_are_known_by_their_keys(tmp_path: Path) -> None:
    then = [row(1), row(2, "Old words."), row(3)]
    now = [row(4), row(3), row(2, "New words."), row(5)]
    found = changes(tmp_path, now, then)
    assert counts(found) == (2, 1, 1, 1)
    assert [its.row["id"] for its in found.added_rows] == [4, 5]
    assert [its.row["id"] for its in found.removed_rows] == [1]
    (changed,) = found.changed_rows
    (value,) = changed.values
    assert (value.column, value.before, value.now) == ("text", "Old words.", "New words.")
    assert [(its.kind, its.text) for its in value.diff] == [
        ("removed", "Old"),
        ("added", "New"),
        ("same", " words."),
    ]


def test_values_of_any_type_are_compared(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Hello"}]
    then = [row(n, chat=turns, scores=[1.0, n], judged={"by": "a"}, right=None) for n in range(5)]
    now = [dict(its) for its in then]
    now[1]["chat"] = [{"role": "user", "content": "Hello you"}]
    now[2]["scores"] = [1.0, None]
    now[3]["judged"] = {"by": None}
    now[4]["right"] = True
    found = changes(tmp_path, now, then)
    assert counts(found) == (0, 4, 0, 1)
    assert found.changed_columns == {"chat": 1, "scores": 1, "judged": 1, "right": 1}
    shown = {value.column: value for its in found.changed_rows for value in its.values}
    assert [its.text for its in shown["chat"].diff] == ["user: Hello", " you"]
    assert shown["scores"].diff == ()
    assert (shown["right"].before, shown["right"].now) == (None, True)


def test_a_column_that_came_or_went_changes_every_row(tmp_path: Path) -> None:
    found = changes(
        tmp_path, [row(1, rating=5), row(2, rating=4)], [row(1, mark=1), row(2, mark=1)]
    )
    assert (found.new_columns, found.gone_columns) == (("rating",), ("mark",))
    assert counts(found) == (0, 2, 0, 0)


def test_a_column_of_another_type_changes_every_row(tmp_path: Path) -> None:
    found = changes(tmp_path, [row(1, rating="5")], [row(1, rating=5)])
    assert found.changed_columns == {"rating": 1}


@pytest.mark.parametrize("order", [1, -1], ids=["same order", "turned round"])
def test_order_is_no_change(tmp_path: Path, order: int) -> None:
    rows = [row(number, f"Text {number}.") for number in range(50)]
    assert counts(changes(tmp_path, rows[::order], rows)) == (0, 0, 0, 50)


def test_equal_rows_are_told_apart(tmp_path: Path) -> None:
    assert counts(changes(tmp_path, [row(1)] * 3, [row(1)] * 2)) == (1, 0, 0, 2)


def test_without_provenance_a_row_is_known_by_its_content(tmp_path: Path) -> None:
    then = [row(1), row(2, "Old words."), row(3), row(3)]
    now = [row(3), row(1), row(2, "New words.")]
    found = changes(tmp_path, now, then, contents=Contents(provenance="none"))
    assert counts(found) == (1, 0, 2, 2)


def test_of_many_rows_a_few_are_shown(tmp_path: Path) -> None:
    then = [row(number, "Old words.") for number in range(40)]
    now = [row(number, "New words.") for number in range(20, 90)]
    found = changes(tmp_path, now, then)
    assert counts(found) == (50, 20, 20, 0)
    shown = (found.samples, found.added_rows, found.changed_rows, found.removed_rows)
    assert [len(rows) for rows in shown] == [SAMPLES] * 4
    assert found.added_rows[-1].row["id"] > 75


def test_changed_rows_that_are_shown_differ_in_different_columns(tmp_path: Path) -> None:
    then = [row(number, rating=1) for number in range(40)]
    now = [row(number, rating=2) for number in range(39)] + [row(39, "Other words.", rating=1)]
    found = changes(tmp_path, now, then)
    assert {value.column for its in found.changed_rows for value in its.values} == {
        "text",
        "rating",
    }


def test_long_values_are_cut(tmp_path: Path) -> None:
    found = changes(tmp_path, [row(1, "x" * 100_000, many=list(range(500)))], [row(2)])
    shown = found.samples[0].row
    assert len(shown["text"]) < 4_100
    assert shown["text"].endswith("… (96,000 more characters)")
    assert len(shown["many"]) == 21


def test_a_first_version_has_only_samples(tmp_path: Path) -> None:
    version: SavedVersion = saved(tmp_path / "v", version_of([row(1), row(2)]))
    found = compare(version, None).configurations["default"].rows
    assert counts(found) == (2, 0, 0, 0)
    assert (len(found.samples), found.added_rows) == (2, ())


def test_an_empty_version_can_be_compared(tmp_path: Path) -> None:
    assert counts(changes(tmp_path, [row(1)], [row(1), row(2)])) == (0, 0, 1, 1)
