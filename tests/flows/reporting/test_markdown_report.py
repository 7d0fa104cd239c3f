"""The report as Markdown and JSON: short, folded, and data stay data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flows.reporting.markdown_report import json_report, markdown_report
from flows.reporting.markdown_text import diff_block, line, prose
from flows.reporting.page import Report
from tests.flows.comparison.preference import Planted
from tests.flows.reporting.reports import RUN, report
from tests.flows.versions import saved, version_of


@pytest.fixture(scope="module")
def markdown(full: Report) -> str:
    return markdown_report(full)


def folded(markdown: str) -> dict[str, str]:
    parts = markdown.split("<details><summary>")[1:]
    titles = [part.split("</summary>", 1) for part in parts]
    return {title: content.split("</details>")[0].strip() for title, content in titles}


def test_the_head_is_verdict_figures_and_findings(markdown: str, full: Report) -> None:
    head = markdown.split("<details>")[0].splitlines()
    assert head[0] == (
        "## household-preferences v2: Gate failed: step `ratings` rejected 10.7% of its rows; "
        "v1 stays"
    )
    assert head[2].startswith(f"{full.comparison.now.rows} rows (288 in v1), ")
    assert head[2].endswith(
        "34 rejected (12 in v1), 700 model calls, 288 answers reused (of 988), $0.4072 spent, "
        "2 min 28 s time."
    )
    points = [its.removeprefix("- ") for its in head if its.startswith("- ")]
    assert points[0] == (
        "Gate **rejection\\_rate** failed: Step 'ratings' rejected 10.7% of its rows, and at most "
        "5% may be."
    )
    assert points[1:] == list(full.comparison.findings)
    assert head[-2] == "[Flow run](<http://127.0.0.1:4200/runs/flow-run/1f0c5f1e>)"


def test_tables_are_folded(markdown: str, full: Report) -> None:
    tables = folded(markdown)
    assert list(tables) == [
        "Gates",
        "Plan",
        "Accounts",
        "Distances",
        "Rejected rows",
        "Cost",
        "Changed rows",
    ]
    assert "| rows |  | at least 250 | There are 284 rows. | passed |" in tables["Gates"]
    assert "| `answer-2` | 30 | 288 | 12 | 0 | 318 (318 to 330) | unknown |" in tables["Plan"]
    assert "| `chosen_rating` | 0.46 |" in tables["Distances"]
    assert tables["Distances"].count("**drifted**") == 4
    reason = "| `ratings` | `the reply has no section for text 1 of 2` | 34 | 12 |"
    assert reason in tables["Rejected rows"]
    assert "| `ratings` | 352 | $0.3579 | $0.3201 |" in tables["Cost"]


def test_five_changed_rows_are_shown_as_text_diffs(markdown: str, full: Report) -> None:
    shown = folded(markdown)["Changed rows"]
    changed = full.comparison.configurations["default"].rows.changed_rows
    assert [its.key[:10] in shown for its in changed] == [True] * 5 + [False]
    assert "`chosen_rating`: `5` → `2`" in shown
    assert "```diff\n" in shown
    assert "\n- " in shown
    assert "\n+ " in shown


def test_a_report_without_differences_is_a_few_lines(planted: Planted) -> None:
    run = replace(RUN, outcome="nothing changed", links={})
    text = markdown_report(report(planted.version, planted.version, run))
    assert "- No drift worth naming." in text
    assert set(folded(text)) == {"Accounts", "Distances", "Rejected rows", "Cost"}


def test_the_json_holds_everything(full: Report) -> None:
    value = json.loads(json.dumps(json_report(full)))
    assert (value["dataset"], value["version"]) == ("household-preferences", "v2")
    assert value["run"]["calls"] == 700
    assert [its["passed"] for its in value["verdicts"]] == [True, False]
    assert value["plan"]["calls"]["expected"] == 678
    assert value["comparison"] == json.loads(json.dumps(full.comparison.as_json()))


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a <b> & c", r"a \<b\> \& c"),
        ("![x](http://evil/x.png)", r"\!\[x\](http://evil/x.png)"),
        ("ask @someone | #12", "ask @\u200bsomeone \\| \\#12"),
        ("two\n\n# lines", r"two \# lines"),
        ("`code_with *marks*` and_more", r"`code_with *marks*` and\_more"),
        ("an odd ` mark", r"an odd \` mark"),
    ],
)
def test_prose_formats_nothing(said: str, written: str) -> None:
    assert prose(said) == written


def test_a_bar_does_not_end_a_cell() -> None:
    assert line("`a|b`", prose("c|d"), 3) == r"| `a\|b` | c\|d | 3 |"


def test_nothing_ends_a_block_of_code() -> None:
    assert diff_block("- ```\n+ ````").splitlines()[0] == "`````diff"


def test_hostile_rows_stay_in_their_blocks(tmp_path: Path) -> None:
    text = "</details>\n```\n# Heading @everyone\n````\n<img src=x>"
    before, version = (
        saved(tmp_path / name, version_of([{"id": 1, "text": its}], key_columns=("id",)))
        for name, its in (("v1", "old words"), ("v2", text))
    )
    shown = markdown_report(report(version, before)).split("Changed rows</summary>")[1]
    fence = next(its for its in shown.splitlines() if its.endswith("diff")).removesuffix("diff")
    assert len(fence) == 5
    outside = shown.split(fence)[0] + shown.split(fence)[2]
    assert "@everyone" not in outside
    assert "<img" not in outside


def test_the_comment_is_never_too_long(tmp_path: Path) -> None:
    rows = [{f"column {n:03}": f"{n} {m}" for n in range(300)} for m in range(3)]
    before = saved(tmp_path / "v1", version_of(rows))
    version = saved(tmp_path / "v2", version_of(rows[1:]), before)
    verdicts = [
        {
            "gate": "labels",
            "subject": f"column {n}",
            "passed": True,
            "measured": None,
            "wanted": "",
            "sentence": "fine " * 80,
        }
        for n in range(400)
    ]
    text = markdown_report(report(version, before, verdicts=verdicts))
    assert len(text) <= 60_100
    assert text.endswith("The rest is in the report's page.\n")
