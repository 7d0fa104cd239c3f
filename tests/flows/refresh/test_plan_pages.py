"""A plan as people see it: a sentence, a table that fits a terminal, a Markdown page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from flows.refresh.plan import NOTHING, Plan, Range, StepPlan, exactly
from flows.reporting.plan import plan_notes, plan_page, plan_sentence, plan_table

LOAD = StepPlan("load", "LoadDataFromDicts", 1, 1, 998, 1, why=("source rows changed",))
ASK = replace(
    LOAD,
    step="answer",
    kind="TextGeneration",
    calls=Range(2, 2, 4),
    input_tokens=Range(80, 100, 250),
    output_tokens=Range(40, 90, 800),
    usd=Range(0.001, 0.0012, 0.0031),
    after=("load",),
)
PLAN = Plan("facts", "v3", (LOAD, ASK), ("Tokens are those of the last version.",))
SAME = Plan("facts", "v3", (replace(LOAD, new=0, changed=0, removed=0, why=()),))


def plan(*steps: StepPlan, **parts: Any) -> Plan:
    """Return a plan of some steps."""
    return replace(PLAN, steps=steps, **parts)


def lines_of(plan: Plan, width: int = 80) -> list[str]:
    """Return the table as a terminal of some width shows it."""
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as shown:
        console.print(plan_table(plan))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_the_sentence_says_all_at_once() -> None:
    assert plan_sentence(PLAN) == (
        "2 of 1,000 source rows are new or changed; 1 source row is gone: "
        "2 to 4 calls (likely 2), $0.0010 to $0.0031 (likely $0.0012)."
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param(
            plan(replace(LOAD, removed=0, changed=0), replace(ASK, usd=exactly(0.5))),
            "1 of 999 source rows is new or changed: 2 to 4 calls (likely 2), $0.5000.",
            id="one row, one price",
        ),
        pytest.param(
            plan(
                replace(LOAD, new=0, changed=0, removed=0),
                replace(ASK, calls=exactly(1), usd=NOTHING, differs=True),
            ),
            "step 'answer' changed: 1 call, at no cost.",
            id="a step, one call that is free",
        ),
        pytest.param(
            plan(replace(LOAD, new=0, changed=0, removed=3), gone=("old", "older")),
            "3 source rows are gone; steps 'old', 'older' are gone: no call.",
            id="nothing but what is gone",
        ),
        pytest.param(
            plan(replace(LOAD, new=0, changed=0, removed=0), replace(ASK, usd=None)),
            "No source row and no step changed, but answers are not stored: "
            "2 to 4 calls (likely 2), a price that is not known for step 'answer'.",
            id="lost answers, unknown price",
        ),
        pytest.param(
            plan(replace(LOAD, new=1_000, changed=0, unchanged=0, removed=0), ASK, before=None),
            "There is no version yet, and 1,000 source rows are new: "
            "2 to 4 calls (likely 2), $0.0010 to $0.0031 (likely $0.0012).",
            id="first version",
        ),
        pytest.param(
            plan(LOAD, *[replace(ASK, step=f"s{n}", differs=True, usd=None) for n in range(4)]),
            "2 of 1,000 source rows are new or changed; 1 source row is gone; 4 steps changed: "
            "8 to 16 calls (likely 8), a price that is not known for 4 steps.",
            id="many steps",
        ),
    ],
)
def test_the_sentence_fits_what_is_to_be_done(changed: Plan, sentence: str) -> None:
    assert plan_sentence(changed) == sentence


def test_what_is_known_of_the_price_stands_beside_what_is_not() -> None:
    both = plan(LOAD, ASK, replace(ASK, step="judge", usd=None))
    assert plan_sentence(both).endswith(
        ", $0.0010 to $0.0031 (likely $0.0012) and a price that is not known for step 'judge'."
    )


def test_nothing_changed_is_one_sentence() -> None:
    assert plan_sentence(SAME) == (
        "Nothing changed since v3: there is nothing to make and nothing to pay."
    )
    assert plan_notes(SAME) == []
    assert plan_page(SAME) == f"# Plan for facts\n\n{plan_sentence(SAME)}\n"


def test_the_table_has_a_line_for_each_step() -> None:
    assert lines_of(PLAN) == [
        "",
        " step   new changed unchanged gone      calls               cost",
        " " + "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * 63,
        " load     1       1       998    1",
        " answer   1       1       998    1     2 to 4 $0.0010 to $0.0031",
        "                                   (likely 2)   (likely $0.0012)",
        "",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_the_table_of_a_large_dataset_stays_readable_in_a_terminal(width: int) -> None:
    large = replace(
        ASK,
        step="a_rather_long_name_of_a_step_that_asks",
        changed=200_000,
        unchanged=1_200_000,
        calls=Range(200_001, 250_000, 1_400_002),
        usd=Range(210.5, 612.0, 3_100.77),
    )
    shown = lines_of(plan(LOAD, large), width)
    assert max(map(len, shown)) <= width
    text = " ".join("\n".join(shown).split())
    assert "…" not in text
    for said in ("200k to", "1.4M", "(likely", "250k)", "$210.50 to", "$3,100.77", "1,200,000"):
        assert said in text


def test_the_notes_tell_totals_start_reasons_and_assumptions() -> None:
    assert plan_notes(PLAN) == [
        "In all: 2 to 4 calls (likely 2); 120 to 1,050 tokens (likely 190); "
        "$0.0010 to $0.0031 (likely $0.0012).",
        "The plan starts from v3.",
        "Why load, answer: source rows changed.",
        "Tokens are those of the last version.",
    ]


def test_the_page_is_markdown_with_all_of_it() -> None:
    why = ('its parameter template changed from "a" to "a | <b>"',)
    assert plan_page(plan(LOAD, replace(ASK, why=why))) == (
        "# Plan for facts\n\n"
        "2 of 1,000 source rows are new or changed; 1 source row is gone: "
        "2 to 4 calls (likely 2), $0.0010 to $0.0031 (likely $0.0012).\n\n"
        "| step | new | changed | unchanged | gone | calls | cost |\n"
        "|---|--:|--:|--:|--:|--:|--:|\n"
        "| load | 1 | 1 | 998 | 1 |  |  |\n"
        "| answer | 1 | 1 | 998 | 1 | 2 to 4 (likely 2) "
        "| $0.0010 to $0.0031 (likely $0.0012) |\n\n"
        "In all: 2 to 4 calls (likely 2); 120 to 1,050 tokens (likely 190); "
        "$0.0010 to $0.0031 (likely $0.0012). The plan starts from v3.\n\n"
        "## Why\n\n"
        "- **load**: source rows changed\n"
        '- **answer**: its parameter template changed from "a" to "a \\| &lt;b>"\n\n'
        "## What the estimate rests on\n\n"
        "- Tokens are those of the last version.\n"
    )


def test_the_page_of_a_first_version_gives_no_reason_for_each_step() -> None:
    first = plan(replace(ASK, why=("there is no version yet",)), before=None)
    assert "## Why" not in plan_page(first)
    assert "starts from" not in plan_page(first)


def test_parts_of_a_call_are_told_as_whole_ones() -> None:
    odd = plan(LOAD, replace(ASK, calls=Range(0.4, 1.5, 3.2)))
    assert "0 to 4 calls (likely 2)" in plan_sentence(odd)
