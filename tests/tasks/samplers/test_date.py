"""Dates: both ends included, every unit as often as the others."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from scipy.stats import chisquare  # type: ignore[import-untyped]  # scipy has no types

from llms.errors import ConfigurationError
from tasks.samplers import Date
from tests.tasks.samplers.conftest import SIGNIFICANCE, drawn


def test_days_come_equally_often_and_both_ends_among_them() -> None:
    counts = Counter(drawn(Date(start="2026-02-27", end="2026-03-02"), 2000))
    assert sorted(counts) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
        date(2026, 3, 2),
    ]
    assert chisquare(list(counts.values())).pvalue > SIGNIFICANCE


@pytest.mark.parametrize(
    ("unit", "end", "moments"),
    [
        ("hour", "2026-01-01T02:30", [0, 3600, 7200]),
        ("minute", "2026-01-01T00:02", [0, 60, 120]),
        ("second", "2026-01-01T00:00:02", [0, 1, 2]),
    ],
)
def test_smaller_units_give_moments_in_whole_units(unit: Any, end: str, moments: list[int]) -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001  # columns of moments have no time zone
    found = {
        (value - start).total_seconds() for value in drawn(Date(start=start, end=end, unit=unit))
    }
    assert sorted(found) == moments


def test_a_format_makes_text() -> None:
    sampler = Date(start="2026-01-31", end="2026-01-31", format="%d.%m.%Y")
    assert set(drawn(sampler, 5)) == {"31.01.2026"}


@pytest.mark.parametrize(
    ("parameters", "kind"),
    [
        ({}, pl.Date()),
        ({"unit": "hour"}, pl.Datetime("us")),
        ({"format": "%Y"}, pl.String()),
    ],
    ids=["day", "hour", "text"],
)
def test_the_type_is_known(parameters: dict[str, Any], kind: pl.DataType) -> None:
    assert Date(start="2026-01-01", end="2026-12-31", **parameters).dtype == kind


@pytest.mark.parametrize(
    "start",
    ["2026-01-01", date(2026, 1, 1), datetime(2026, 1, 1)],  # noqa: DTZ001  # as above
    ids=["text", "date", "datetime"],
)
def test_a_date_may_be_given_in_any_of_its_forms(start: Any) -> None:
    assert Date(start=start, end="2026-12-31") == Date(start="2026-01-01", end="2026-12-31")


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"start": "31.01.2026"}, "'31.01.2026' is no date; write it", id="unreadable"),
        pytest.param({"start": "2026-02-30"}, "'2026-02-30' is no date", id="no such day"),
        pytest.param({"start": 2020}, "is text like 2026-01-31, not a int", id="a year alone"),
        pytest.param({"start": "2027-01-01"}, "is after end=2026-12-31", id="swapped"),
        pytest.param({"end": "2026-12-31T00:00Z"}, "has a time zone", id="time zone in text"),
        pytest.param({"end": datetime(2026, 12, 31, tzinfo=UTC)}, "has a time zone", id="zone"),
        pytest.param({"unit": "year"}, "'unit'", id="unit"),
        pytest.param({"format": ""}, "'format'", id="empty format"),
    ],
)
def test_bad_parameters_are_one_sentence_at_construction(
    parameters: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        Date(**{"start": "2026-01-01", "end": "2026-12-31", **parameters})
    assert "\n" not in str(caught.value)
