"""A plan for people: a sentence, a table, what it rests on; the same as a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from math import ceil, floor

from rich.box import SIMPLE_HEAD
from rich.table import Table

from flows.refresh.plan import NOTHING, Plan, Range, StepPlan
from flows.reporting.accounts import cell, joined
from llms.spending import dollars

_SHORT = 10_000
_NAMED = 3


def plan_sentence(plan: Plan) -> str:
    """Return the whole plan as one sentence."""
    if plan.changes_nothing:
        return f"Nothing changed since {plan.before}: there is nothing to make and nothing to pay."
    what = "; ".join(_changes(plan))
    return f"{what}: {_calls(plan)}, {_money(plan)}." if plan.calls.high else f"{what}: no call."


def plan_table(plan: Plan) -> Table:
    """Return the steps with their rows, calls and cost, for a terminal of 80 columns."""
    table = Table(box=SIMPLE_HEAD, padding=0, collapse_padding=True, pad_edge=False)
    table.add_column("step", overflow="fold")
    for heading in ("new", "changed", "unchanged", "gone", "calls", "cost"):
        table.add_column(heading, justify="right")
    for step in plan.steps:
        calls, cost = _calls_and_cost(step, _short, "\n")
        table.add_row(step.step, *_rows(step), calls, cost)
    return table


def plan_notes(plan: Plan) -> list[str]:
    """Return what belongs under the table: totals, reasons, assumptions; empty if nothing is to be
    done.
    """
    if plan.changes_nothing:
        return []
    return [_totals(plan), *_start(plan), *_reasons(plan), *plan.assumptions]


def plan_page(plan: Plan) -> str:
    """Return the plan as a Markdown page, for an artifact or a pull request."""
    title = f"# Plan for {cell(plan.pipeline)}"
    if plan.changes_nothing:
        return joined([title, plan_sentence(plan)])
    return joined(
        [
            title,
            cell(plan_sentence(plan)),
            _markdown_table(plan),
            " ".join([_totals(plan), *_start(plan)]),
            _listed("Why", [f"**{cell(names)}**: {cell(why)}" for names, why in _grouped(plan)]),
            _listed("What the estimate rests on", list(plan.assumptions)),
        ]
    )


def _changes(plan: Plan) -> Iterator[str]:
    """Yield what is different, as clauses."""
    sources = [step for step in plan.steps if not step.after]
    total = sum(step.new + step.changed + step.unchanged for step in sources)
    if plan.before is None:
        yield f"There is no version yet, and {total:,} source {_are(total)} new"
        return
    touched = sum(step.new + step.changed for step in sources)
    removed = sum(step.removed for step in sources)
    differing = [step.step for step in plan.steps if step.differs]
    if touched:
        are = "is" if touched == 1 else "are"
        yield f"{touched:,} of {total:,} source rows {are} new or changed"
    if removed:
        yield f"{removed:,} source {_are(removed)} gone"
    if differing:
        yield f"{_named(differing)} changed"
    if plan.gone:
        yield f"{_named(plan.gone)} {'is' if len(plan.gone) == 1 else 'are'} gone"
    if not (touched or removed or differing or plan.gone):
        yield "No source row and no step changed, but answers are not stored"


def _start(plan: Plan) -> list[str]:
    return [f"The plan starts from {plan.before}."] if plan.before else []


def _totals(plan: Plan) -> str:
    if not plan.calls.high:
        return "In all: no call."
    tokens = _counts(plan.tokens, _long, " tokens ")
    return f"In all: {_calls(plan)}; {tokens}; {_money(plan)}."


def _calls(plan: Plan) -> str:
    calls = _counts(plan.calls, _long, " calls ")
    return "1 call" if calls == "1 calls" else calls


def _reasons(plan: Plan) -> Iterator[str]:
    for names, why in _grouped(plan):
        yield f"Why {names}: {why}."


def _grouped(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield steps with the same reasons, and these."""
    with_reasons = [step for step in plan.steps if step.why and plan.before]
    for why, steps in groupby(with_reasons, key=lambda step: step.why):
        yield ", ".join(step.step for step in steps), "; ".join(why)


def _markdown_table(plan: Plan) -> str:
    lines = [
        "| step | new | changed | unchanged | gone | calls | cost |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for step in plan.steps:
        calls, cost = _calls_and_cost(step, _long, " ")
        lines.append(f"| {' | '.join([cell(step.step), *_rows(step), calls, cost])} |")
    return "\n".join(lines)


def _listed(title: str, items: list[str]) -> str:
    return "\n".join([f"## {title}\n", *(f"- {item}" for item in items)]) if items else ""


def _rows(step: StepPlan) -> list[str]:
    counts = (step.new, step.changed, step.unchanged, step.removed)
    return [f"{count:,}" if count else "" for count in counts]


def _calls_and_cost(step: StepPlan, number: Callable[[float], str], gap: str) -> tuple[str, str]:
    if not step.calls.high:
        return "", ""
    cost = "not known" if step.usd is None else _range(step.usd, dollars, gap)
    return _counts(step.calls, number, gap), cost


def _money(plan: Plan) -> str:
    unknown = [step.step for step in plan.steps if step.usd is None]
    usd = sum((step.usd for step in plan.steps if step.usd), NOTHING)
    if not unknown:
        return _range(usd, dollars) if usd.high else "at no cost"
    beside = f"{_range(usd, dollars)} and " if usd.high else ""
    return f"{beside}a price that is not known for {_named(unknown)}"


def _counts(counts: Range, number: Callable[[float], str], gap: str = " ") -> str:
    low, high = floor(round(counts.low, 6)), ceil(round(counts.high, 6))
    return _range(Range(low, round(counts.expected), high), number, gap)


def _range(amount: Range, written: Callable[[float], str], gap: str = " ") -> str:
    """Return one number where it is exact; `gap`, which may hold the unit, is after the range."""
    low, likely, high = map(written, (amount.low, amount.expected, amount.high))
    return f"{low}{gap}".rstrip() if low == high else f"{low} to {high}{gap}(likely {likely})"


def _long(count: float) -> str:
    return f"{count:,.0f}"


def _short(count: float) -> str:
    """Return a count in a few characters: 9,999, 12k, 200k, 1.3M."""
    if count < _SHORT:
        return _long(count)
    for size, unit in ((1e9, "G"), (1e6, "M")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count / 1e3:.0f}k"


def _are(rows: int) -> str:
    return "row is" if rows == 1 else "rows are"


def _named(steps: list[str] | tuple[str, ...]) -> str:
    if len(steps) > _NAMED:
        return f"{len(steps)} steps"
    return f"{'step' if len(steps) == 1 else 'steps'} {', '.join(map(repr, steps))}"
