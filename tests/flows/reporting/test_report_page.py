"""The report page: what each section says, what is left out, and that data stay data."""

from __future__ import annotations

import re

import pytest

from flows.reporting.page import Report, report_page
from tests.flows.reporting.document import Element, parsed


@pytest.fixture(scope="module")
def page(full: Report) -> Element:
    return parsed(report_page(full))


def section(page: Element, anchor: str) -> Element:
    return page.one("section", id=anchor)


def cells(table: Element) -> list[list[str]]:
    return [[its.text for its in [*row.all("th"), *row.all("td")]] for row in table.all("tr")]


# The whole page.


def test_the_page_needs_nothing_else(full: Report) -> None:
    text = report_page(full)
    document = parsed(text)
    assert not document.all("script")
    assert not re.search(r"""(?:src|href)=["'](?!https?://127|#|data:,)""", text)
    assert not re.search(r"url\(|@import|@font-face", text)
    policy = document.one("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in (policy.attributes["content"] or "")


def test_the_same_report_is_the_same_bytes(full: Report) -> None:
    assert report_page(full) == report_page(full)


def test_the_contents_lead_to_every_section(page: Element) -> None:
    leads = [its.attributes["href"] for its in page.one("nav").all("a")]
    assert leads == [f"#{its.attributes['id']}" for its in page.all("section")]
    assert len(leads) == 14
    ids = [its.attributes["id"] for its in page.all() if "id" in its.attributes]
    assert len(ids) == len(set(ids))


def test_each_section_has_a_heading(page: Element) -> None:
    for its in page.all("section"):
        assert its.one("h2").attributes["id"] == its.attributes["aria-labelledby"]


def test_the_head_names_dataset_version_and_verdict(page: Element) -> None:
    assert page.one("h1").text == "household-preferences v2"
    verdict = page.one("p", class_="verdict")
    assert verdict.text.startswith("Gate failed: step ratings rejected 10.7%")
    assert verdict.one("code").text == "ratings"
    assert "bad" in (verdict.attributes["class"] or "").split()


def test_only_links_to_pages_are_links(page: Element) -> None:
    assert [its.text for its in page.one("header").all("a")] == ["Flow run"]


def test_the_figures_of_the_run(page: Element, full: Report) -> None:
    figures = page.one("dl", class_="figures")
    found = {its.one("dt").text: its.one("dd").text for its in figures.all("div")}
    its = full.comparison
    assert its.before is not None
    assert found == {
        "rows": f"{its.now.rows} {its.before.rows} in v1",
        "new": str(its.added),
        "changed": str(its.changed),
        "gone": str(its.removed),
        "unchanged": "0",
        "rejected": "34 12 in v1",
        "model calls": "700",
        "answers reused": "288 of 988",
        "spent": "$0.4072",
        "time": "2 min 28 s",
    }


# Section by section.


def test_gates_that_failed_come_first(page: Element) -> None:
    first, second = section(page, "gates").all("li")
    assert first.one("span", class_="mark").text == "failed"
    assert "rejected 10.7%" in first.text
    assert "0.107 wanted at most 0.05" in first.text
    assert second.one("span", class_="mark").text == "passed"


def test_findings_are_the_sentences_of_the_comparison(page: Element, full: Report) -> None:
    said = [its.text for its in section(page, "findings").all("li")]
    assert [its.replace(" .", ".") for its in said] == [
        its.replace("`", "") for its in full.comparison.findings
    ]


def test_the_plan_is_beside_what_was_done(page: Element) -> None:
    plan = section(page, "plan")
    assert "678 (666 to 723) model calls were planned; 700 were made, for $0.4072." in plan.text
    rows = cells(plan.one("table"))
    assert rows[1] == ["instructions", "30", "0", "12", "288", "", "", "", ""]
    assert rows[2][5:] == [
        "318 318 to 330",
        "8,400 8,000 to 9,000",
        "26,000 20,000 to 31,000",
        "unknown",
    ]
    assert "Its parameter llm.model changed" in plan.one("dl").text
    assert "as many tokens as in v1" in plan.one("details").text


def test_the_pipeline_is_drawn_across_and_down(page: Element, full: Report) -> None:
    drawn = section(page, "pipeline").all("svg")
    assert len(drawn) == 2
    for graph in drawn:
        names = {its.text for its in graph.all("text", class_="name")}
        assert names == set(full.version.manifest.steps)
        assert len(graph.all("path", class_="edge")) == 7
        assert len(graph.all("g", class_="asks")) == 3
        assert [
            its.one("text", class_="name").text for its in graph.all("g", class_="changed")
        ] == [
            "instructions",
            "answer-2",
            "ratings",
        ]


def test_the_accounts_are_those_of_the_version(page: Element, full: Report) -> None:
    rows = cells(section(page, "accounts").one("table"))
    books = full.version.accounts["ratings"]
    assert [row[0] for row in rows[1:]] == [*full.version.accounts, "all"]
    ratings = rows[1 + list(full.version.accounts).index("ratings")]
    assert ratings[1] == str(books.rows_in)
    assert ratings[3] == str(books.rejected)
    assert ratings[7] == f"{books.input_tokens:,}"


def test_each_column_has_a_chart_the_drifted_ones_first(page: Element, full: Report) -> None:
    figures = section(page, "distributions").all("figure")
    columns = full.comparison.configurations["default"].columns
    assert len(figures) == len(columns) - 2
    drifted = [its for its in figures if its.attributes.get("class") == "drifted"]
    assert figures[:4] == drifted
    assert "distance 0.80" in figures[0].one("figcaption").text
    assert (
        "The same in every row: chosen turns 2, rejected turns 2."
        in section(page, "distributions").text
    )


def test_ratings_and_meaning_are_tables(page: Element) -> None:
    tables = section(page, "distributions").all("table")
    assert [cells(its)[1][0] for its in tables] == ["chosen_rating", "chosen"]


def test_changed_rows_show_what_went_and_what_came(page: Element, full: Report) -> None:
    changed = section(page, "changed")
    cards = changed.all("article")
    assert len(cards) == 6
    assert f"{full.comparison.changed} of {full.comparison.now.rows} rows changed" in changed.text
    rating = next(its for its in cards[0].all("div") if its.all("dt") and "rating" in its.text)
    assert rating.all("del")
    assert rating.all("ins")


@pytest.mark.parametrize("anchor", ["new", "gone", "samples"])
def test_rows_are_cards_with_chats_as_turns(page: Element, anchor: str) -> None:
    cards = section(page, anchor).all("article")
    assert len(cards) == 6
    chat = cards[0].all("ol", class_="turns")[0]
    assert [its.one("span", class_="role").text for its in chat.all("li")] == ["user", "assistant"]
    assert len(section(page, anchor).one("details", class_="rest").all("article")) == 4


def test_rejections_have_examples_with_the_raw_reply_folded(page: Element) -> None:
    rejected = section(page, "rejections")
    (reason,) = rejected.all("details", class_="reason")
    head = reason.all("summary")[0].text
    assert head == "34 the reply has no section for text 1 of 2 ratings, 12 in v1"
    cards = reason.all("article")
    assert len(cards) == 2
    assert "I would rather not choose" in cards[0].one("pre").text
    assert cards[0].all("details")[-1].one("summary").text == "Raw reply"


def test_costs_are_those_of_both_versions_and_of_the_new_answers(page: Element) -> None:
    costs = section(page, "costs")
    assert "700 of the answers are new since v1" in costs.text
    rows = cells(costs.one("table"))
    assert [row[0] for row in rows[1:]] == ["answer-1", "answer-2", "ratings", "all"]
    assert rows[0][-1] == "cost in v1"
    assert "US dollars by step" in costs.one("svg").text


def test_near_duplicates_show_their_clusters(page: Element) -> None:
    found = section(page, "duplicates")
    assert "share most of their words with an earlier row in chosen" in found.text
    assert "up to 50,000 rows" in found.text
    assert len(found.all("details", class_="cluster")) == 5


def test_how_it_was_made_names_models_prompts_and_signatures(page: Element, full: Report) -> None:
    making = section(page, "making")
    assert ["answer-2", "test-writer:lantern-13b-2026-11", ""] in cells(making.all("table")[0])
    folded = {its.one("summary").text: its.text for its in making.all("details")}
    assert "Answer in plain words" in folded["answer-1: its prompts"]
    assert full.version.manifest.steps["pairs"].signature in folded["Signatures of the steps"]
    assert "name: household-preferences" in folded["pipeline.yaml"]
