"""Charts: SVG that stands alone, in light and dark, and is the same for the same figures."""

from __future__ import annotations

from random import Random
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest

from flows.comparison.counting import distribution_of
from flows.comparison.distribution import Distribution
from flows.comparison.measures import measures_of
from flows.reporting.page.charts import Amount, bar_chart, distribution_chart

SVG = "{http://www.w3.org/2000/svg}"
RANDOM = Random(0)
MANY = [RANDOM.gauss(0, 1) for _ in range(500)]


def measured(values: list[Any], name: str = "column", dtype: Any = None) -> Distribution:
    frame = pl.DataFrame({name: pl.Series(values, dtype=dtype)})
    measure = measures_of(frame.schema)[0]
    found = distribution_of(measure, frame.select(measure.values).to_series())
    assert found is not None
    return found


def drawn(chart: str) -> ElementTree.Element:
    return ElementTree.fromstring(chart)


def said(chart: str) -> str:
    return " ".join(
        " ".join(text for its in drawn(chart).iter(f"{SVG}text") for text in its.itertext()).split()
    )


SHAPES = {
    "ratings": [1, 2, 2, 5],
    "scores": MANY,
    "texts": ["x" * n for n in range(200)],
    "labels": ["yes", "no", "no", "no"] * 3,
    "many labels": [f"label {n % 30}" for n in range(300)],
    "one value": [0.3] * 9,
    "large numbers": [n * 1e7 for n in range(100)],
    "negative": [-5, -4, -4],
    "no values": [None, None],
    "nothing": [],
}


@pytest.mark.parametrize("before", [True, False], ids=["beside another", "alone"])
@pytest.mark.parametrize("values", SHAPES.values(), ids=SHAPES)
def test_every_shape_is_a_well_formed_picture(values: list[Any], before: bool) -> None:
    dtype = pl.Float64 if not any(value is not None for value in values) else None
    its = measured(values, dtype=dtype)
    root = drawn(distribution_chart(its, its if before else None))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for bar in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(bar.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert 0 <= x <= x + wide <= width
        assert 0 <= y <= y + high <= height + 0.01


def test_a_chart_follows_light_and_dark_by_itself() -> None:
    style = drawn(distribution_chart(measured([1, 2, 3]))).find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme:dark" in (style.text or "")


def test_equal_figures_are_equal_bytes() -> None:
    charts = {distribution_chart(measured(MANY), measured(MANY[:100])) for _ in range(3)}
    assert len(charts) == 1


def test_a_histogram_has_a_bar_for_each_bin_and_an_outline_of_before() -> None:
    root = drawn(distribution_chart(measured([1, 2, 2, 5]), measured([1, 2, 3])))
    bars = [its for its in root.iter(f"{SVG}rect") if its.get("class") == "now"]
    titles = [its.findtext(f"{SVG}title") for its in bars]
    assert titles == [
        "1: 25%, before 33%",
        "2: 50%, before 33%",
        "3: 0%, before 33%",
        "4: 0%, before 0%",
        "5: 25%, before 0%",
    ]
    heights = [float(its.get("height", 0)) for its in bars]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.02)
    assert heights[2] == 0
    assert sum(its.get("class") == "then" for its in root.iter(f"{SVG}path")) == 1


def test_labels_are_bars_with_their_shares() -> None:
    chart = distribution_chart(measured(["a"] * 9 + ["b"] * 3), measured(["b"] * 4), ("v2", "v1"))
    assert said(chart) == "column ■ v2 □ v1 b b 25%, was 100% a a 75%, was 0%"


def test_labels_beyond_ten_are_drawn_together() -> None:
    chart = distribution_chart(measured([f"label {n % 30:02}" for n in range(300)]))
    assert "(others) 67%" in said(chart)


def test_the_note_tells_median_and_missing_values() -> None:
    chart = distribution_chart(measured([1, 2, 9, None]), measured([3, 3, 3, 3]))
    assert "median 2, before 3 · missing 25%, before 0%" in said(chart)


@pytest.mark.parametrize(
    "text",
    ["</text><script>alert(1)</script>", '"><b>', "a & b", "nul\x00l \x1b[31m", "\u202eevil"],
)
def test_what_the_data_says_is_only_text(text: str) -> None:
    chart = distribution_chart(measured([text] * 9, name=text))
    root = drawn(chart)
    assert {its.tag.removeprefix(SVG) for its in root.iter()} <= {
        "svg", "style", "rect", "path", "text", "tspan", "title",
    }  # fmt: skip
    assert "\u202e" not in chart


def test_wide_letters_are_cut_earlier() -> None:
    assert "…" in said(distribution_chart(measured(["日本語の長いラベルです"] * 9)))


def test_amounts_are_drawn_against_the_largest() -> None:
    chart = bar_chart("Cost", [Amount("a", 1.0, 4.0, "$1"), Amount("b", 2.0, None, "$2")])
    widths = [
        float(its.get("width", 0))
        for its in drawn(chart).iter(f"{SVG}rect")
        if its.get("class") in ("now", "then")
    ]
    assert widths == [45, 180, 90]
