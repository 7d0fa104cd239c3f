"""Which source rows are new, changed, unchanged or gone: by their keys and what is in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows import Pipeline
from flows.refresh.plan import Plan
from flows.refresh.planning import NO_SOURCES
from flows.versions.manifest import Provenance
from tasks import LoadDataFromDicts, LoadDataFromFileSystem, Row
from tests.flows.refresh.plans import (
    Even,
    asking,
    chain,
    edited,
    passages,
    plan_of,
    rows_of,
    step_of,
    version_of,
)

Counts = tuple[int, int, int, int]

KEYED, BY_CONTENT = ("id",), None


def ask() -> Any:
    """Return a step that asks about the passage."""
    return asking("ask", "passage", "said")


def compared(
    folder: Path, before: list[Row], now: list[Row], keys: tuple[str, ...] | None = KEYED
) -> Plan:
    """Plan the refresh of a version of some rows with others."""
    version = version_of(folder / "version", chain(before, ask(), key_columns=keys))
    return plan_of(chain(now, ask(), key_columns=keys), version)


@pytest.mark.parametrize("keys", [KEYED, BY_CONTENT], ids=["keyed", "by content"])
def test_another_order_changes_no_row_and_costs_no_call(
    tmp_path: Path, keys: tuple[str, ...] | None
) -> None:
    plan = compared(tmp_path, passages(8), passages(8)[::-1], keys)
    assert rows_of(step_of(plan, "load")) == (0, 0, 8, 0)
    assert not plan.calls.high


@pytest.mark.parametrize(
    ("before", "now", "counts"),
    [
        pytest.param(3, 3, (0, 0, 5, 0), id="as many"),
        pytest.param(3, 5, (2, 0, 5, 0), id="two more"),
        pytest.param(3, 1, (0, 0, 3, 2), id="two fewer"),
    ],
)
def test_equal_rows_are_told_apart_by_their_number(
    tmp_path: Path, before: int, now: int, counts: Counts
) -> None:
    def rows(equal: int) -> list[Row]:
        return [*passages(2), *[{"id": 7, "passage": "The same."}] * equal]

    plan = compared(tmp_path, rows(before), rows(now), BY_CONTENT)
    assert rows_of(step_of(plan, "load")) == counts
    assert step_of(plan, "ask").calls.expected == counts[0]


def test_a_column_that_no_step_reads_is_a_change_without_a_call(tmp_path: Path) -> None:
    noted = [{**row, "note": "a"} for row in passages(4)]
    again = [{**row, "note": "b"} if row["id"] == 2 else row for row in noted]
    plan = compared(tmp_path, noted, again)
    assert rows_of(step_of(plan, "load")) == (0, 1, 3, 0)
    assert not plan.calls.high
    assert not plan.changes_nothing


@pytest.mark.parametrize("keys", [KEYED, BY_CONTENT], ids=["keyed", "by content"])
@pytest.mark.parametrize(
    "late",
    [
        pytest.param({"id": 9, "passage": "Late.", "more": 1}, id="late column"),
        pytest.param({"id": 9.5, "passage": "Late."}, id="wider type"),
        pytest.param({"id": 9, "passage": "Late.", "more": None}, id="column of nulls"),
    ],
)
def test_a_row_that_makes_a_column_wider_changes_no_other(
    tmp_path: Path, keys: tuple[str, ...] | None, late: Row
) -> None:
    plan = compared(tmp_path, passages(3), [*passages(3), late], keys)
    assert rows_of(step_of(plan, "load")) == (1, 0, 3, 0)
    assert step_of(plan, "ask").calls.expected == 1


_DAY = date(2026, 5, 17)
_VALUES = {
    "a date": (_DAY, _DAY + timedelta(1)),
    "a point in time": (datetime(2026, 5, 17, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC)),
    "a time of day": (time(7), time(8)),
    "a length of time": (timedelta(seconds=1), timedelta(seconds=2)),
    "a decimal": (Decimal("1.10"), Decimal("1.20")),
    "bytes": (b"a", b"b"),
    "a truth": (True, False),
    "nothing": (None, "something"),
    "an empty text": ("", None),
    "a list": ([1, 2], [2, 1]),
    "an empty list": ([[]], [None]),
    "lists in lists": ([[1], [2]], [[1, 2]]),
    "a struct": ({"a": 1, "b": None}, {"a": None, "b": 1}),
    "a chat": ([{"role": "user", "content": "a"}], [{"role": "user", "content": "b"}]),
}


@pytest.mark.parametrize(("was", "became"), _VALUES.values(), ids=_VALUES.keys())
def test_a_changed_value_is_seen_whatever_its_type(tmp_path: Path, was: Any, became: Any) -> None:
    rows = [{"id": n, "passage": "Text.", "value": was} for n in range(3)]
    plan = compared(tmp_path, rows, [*rows[:2], {**rows[2], "value": became}])
    assert rows_of(step_of(plan, "load")) == (0, 1, 2, 0)


@pytest.mark.parametrize(
    "kind",
    [
        pl.Categorical(),
        pl.Enum(["red", "blue"]),
        pl.List(pl.Categorical()),
        pl.Array(pl.String, 1),
    ],
    ids=["categorical", "enumeration", "list of categoricals", "array"],
)
def test_columns_that_a_version_keeps_as_another_type_are_not_changed(
    tmp_path: Path, kind: pl.DataType
) -> None:
    words = ["red", "blue", "red"]
    values = [[word] for word in words] if isinstance(kind, (pl.List, pl.Array)) else words

    def pipeline(name: str, colours: list[Any]) -> Pipeline:
        column = pl.Series("colour", colours, dtype=kind)
        rows = pl.DataFrame({"id": range(3), "passage": ["Text."] * 3}).with_columns(column)
        rows.write_parquet(tmp_path / name)
        with Pipeline("coloured") as made:
            file = str(tmp_path / name)
            LoadDataFromFileSystem(name="load", data_files=file, key_columns=("id",)) >> ask()
        return made

    version = version_of(tmp_path / "version", pipeline("one.parquet", values))
    assert plan_of(pipeline("two.parquet", values), version).changes_nothing
    painted = plan_of(pipeline("three.parquet", [*values[:2], values[1]]), version)
    assert rows_of(step_of(painted, "load")) == (0, 1, 2, 0)


def test_rows_of_two_sources_are_not_taken_for_each_other(tmp_path: Path) -> None:
    def pipeline(left: list[Row], right: list[Row]) -> Pipeline:
        with Pipeline("two") as made:
            for name, data in (("left", left), ("right", right)):
                load = LoadDataFromDicts(name=name, data=data, key_columns=("id",))
                load >> asking(f"ask-{name}", "passage", "said")
        return made

    version = version_of(tmp_path / "version", pipeline(passages(4), passages(2)))
    plan = plan_of(pipeline(passages(4), passages(4)), version)
    assert rows_of(step_of(plan, "left")) == rows_of(step_of(plan, "ask-left")) == (0, 0, 4, 0)
    assert rows_of(step_of(plan, "right")) == rows_of(step_of(plan, "ask-right")) == (2, 0, 2, 0)


@pytest.mark.parametrize(
    ("provenance", "counts", "is_exact"),
    [
        ("answers", (0, 0, 12, 0), True),
        ("rows", (6, 0, 6, 0), False),
        ("none", (12, 0, 0, 0), False),
    ],
)
def test_what_a_version_keeps_of_its_sources_decides_what_is_known(
    tmp_path: Path, provenance: Provenance, counts: Counts, is_exact: bool
) -> None:
    pipeline = chain(passages(12), Even(name="even"), ask())
    version = version_of(tmp_path / "version", pipeline, provenance=provenance)
    plan = plan_of(chain(passages(12), Even(name="even"), ask()), version)
    assert rows_of(step_of(plan, "load")) == counts
    assert step_of(plan, "even").removed == 0
    assert (NO_SOURCES in plan.assumptions) is not is_exact
    assert not plan.calls.high


def test_digests_of_source_rows_are_enough_where_every_row_left_one(tmp_path: Path) -> None:
    pipeline = chain(passages(20), ask())
    version = version_of(tmp_path / "version", pipeline, provenance="rows")
    plan = plan_of(chain(edited(passages(20)), ask()), version)
    assert rows_of(step_of(plan, "load")) == (1, 1, 18, 1)


def test_a_source_that_is_new_has_new_rows_and_one_that_is_gone_is_told(tmp_path: Path) -> None:
    version = version_of(tmp_path / "version", chain(passages(4), ask()))
    with Pipeline("chain") as then:
        LoadDataFromDicts(name="other", data=passages(4), key_columns=("id",)) >> ask()
    plan = plan_of(then, version)
    assert rows_of(step_of(plan, "other")) == (4, 0, 0, 0)
    assert plan.gone == ("load",)
    assert not plan.calls.high
