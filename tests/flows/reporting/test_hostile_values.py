"""The report page with values that want to be more than values: they stay text, and it small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flows import Pipeline
from flows.comparison.comparison import compare
from flows.reporting.page import Report, RunFacts, report_page
from llms import ScriptedLLM
from tasks import LoadDataFromDicts, UltraFeedback
from tests.flows.reporting.document import parsed
from tests.flows.reporting.reports import report
from tests.flows.versions import saved, version_of

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</details></section></style><b>out</b>",
    "<!-- open",
    "{{ 7 * 7 }}{% raw %}",
    "]]><svg onload=alert(1)>",
    "nul\x00 and \x1b[31m colour and \u202etxet",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_rows_change_nothing_of_the_page(tmp_path: Path, text: str) -> None:
    column = text.replace("\x00", "")

    def rows(more: str) -> list[dict[str, Any]]:
        return [
            {
                "id": number,
                "text": f"{text} {more} {number}",
                "label": text,
                column: more,
                "chat": [{"role": text, "content": f"{more} {text}"}],
                "many": [text, more],
                "nested": {column: {"deep": text}},
            }
            for number in range(9)
        ]

    before = saved(tmp_path / "v1", version_of(rows("old"), key_columns=("id",), name="plain"))
    version = saved(
        tmp_path / "v2", version_of(rows("new")[1:], key_columns=("id",), name="plain"), before
    )
    verdict = {
        "gate": text,
        "subject": text,
        "passed": False,
        "measured": text,
        "wanted": text,
        "sentence": text,
    }
    plan = {
        "steps": [],
        "calls": {"low": 0, "expected": 0, "high": 0},
        "usd": None,
        "assumptions": [text],
    }
    run = RunFacts(
        text, text, 0, 0, 0, 0, {text: "http://127.0.0.1/" + text, "b": "http://127.0.0.1/"}
    )
    shown = Report(version, before, compare(version, before), run, [verdict], plan)
    page = parsed(report_page(shown))
    assert not page.all("script")
    assert not page.all("img")
    assert not [its for its in page.all() if any(name.startswith("on") for name in its.attributes)]
    assert [its.attributes["href"] for its in page.one("header").all("a")] == ["http://127.0.0.1/"]
    assert [its.attributes["id"] for its in page.all("section")] == [
        "gates",
        "findings",
        "plan",
        "pipeline",
        "accounts",
        "distributions",
        "changed",
        "gone",
        "samples",
        *(["duplicates"] if len(text) > 9 else []),
        "making",
    ]
    visible = re.sub(r"[\x00-\x08\x1b\u202e]", "\ufffd", text)
    assert " ".join(visible.split()) in page.one("section", id="samples").text


def test_hostile_replies_change_nothing_either(tmp_path: Path) -> None:
    text = "</pre><script>alert(1)</script>"
    with Pipeline("judged") as pipeline:
        load = LoadDataFromDicts(data=[{"instruction": "Hi", "generations": [text, "b"]}])
        load >> UltraFeedback(name="judge", llm=ScriptedLLM(replies=(text,)))
    version = saved(tmp_path / "v", pipeline.preview(1))
    page = parsed(report_page(report(version)))
    assert not page.all("script")
    assert page.one("section", id="rejections").one("pre").text == text


def test_the_page_stays_small_however_large_the_rows_are(tmp_path: Path) -> None:
    row = {f"column {n}": f"{n} " + "long words " * (900 if n < 9 else 2) for n in range(80)}
    rows = [{"id": n, **row, "many": list(range(500))} for n in range(4)]
    before = saved(tmp_path / "v1", version_of(rows, key_columns=("id",)))
    now = [{**its, "column 1": "other " * 3_000} for its in rows]
    version = saved(tmp_path / "v2", version_of(now, key_columns=("id",)), before)
    assert len(report_page(report(version, before))) < 1_500_000


def test_texts_are_cut_in_the_middle_of_the_page_not_in_the_data(tmp_path: Path) -> None:
    text = "A sentence that goes on. " * 60
    version = saved(tmp_path / "v", version_of([{"text": text.strip()}]))
    shown = parsed(report_page(report(version)))
    folded = shown.one("section", id="samples").one("details", class_="text")
    assert f"all {len(text.strip()):,} characters" in folded.one("summary").text
    cut = folded.text.replace(f" … all {len(text.strip()):,} characters", "")
    assert cut == text.strip()
