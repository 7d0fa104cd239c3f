"""The report page of versions that have less to tell: what is not there is left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flows import Pipeline
from flows.reporting.page import report_page
from flows.versions.saved import SavedVersion
from llms import ScriptedLLM
from tasks import KeepColumns, LoadDataFromDicts, UltraFeedback
from tests.flows.comparison.preference import Planted
from tests.flows.reporting.document import Element, parsed
from tests.flows.reporting.reports import RUN, report
from tests.flows.versions import saved, version_of

PUBLISHED = replace(RUN, outcome="published v1", links={})


def section(page: Element, anchor: str) -> Element:
    return page.one("section", id=anchor)


def test_sections_without_content_are_left_out(tmp_path: Path) -> None:
    version = saved(tmp_path / "v", version_of([{"number": 1}, {"number": 2}]))
    page = parsed(report_page(report(version, run=PUBLISHED)))
    assert [its.attributes["id"] for its in page.all("section")] == [
        "findings",
        "pipeline",
        "accounts",
        "distributions",
        "samples",
        "making",
    ]
    assert "first version" in section(page, "findings").text


def test_an_unchanged_version_says_so(planted: Planted) -> None:
    page = parsed(report_page(report(planted.version, planted.version, PUBLISHED)))
    assert "The content is that of v2." in section(page, "findings").text
    assert "quiet" in (page.one("p", class_="verdict").attributes["class"] or "")


def test_an_empty_version_has_a_page(tmp_path: Path) -> None:
    def rejected(name: str) -> SavedVersion:
        with Pipeline("none") as pipeline:
            load = LoadDataFromDicts(data=[{"instruction": "Hi", "generations": ["a", "b"]}])
            load >> UltraFeedback(name="judge", llm=ScriptedLLM(replies=("no",)))
        return saved(tmp_path / name, pipeline.preview(1))

    page = parsed(report_page(report(rejected("v2"), rejected("v1"), PUBLISHED)))
    assert section(page, "findings").text == "What moved The content is that of v1."
    assert not page.all("section", id="samples")


def test_each_configuration_is_shown_under_its_name(tmp_path: Path) -> None:
    with Pipeline("leaves") as pipeline:
        LoadDataFromDicts(data=[{"a": n, "b": f"text {n}"} for n in range(9)]) >> [
            KeepColumns(name="numbers", columns=("a",)),
            KeepColumns(name="words", columns=("b",)),
        ]
    page = parsed(report_page(report(saved(tmp_path / "v", pipeline.preview(9)), run=PUBLISHED)))
    for anchor in ("distributions", "samples"):
        assert [its.text for its in section(page, anchor).all("h3")] == ["numbers", "words"]
