"""Charts of distributions and amounts as SVG, for the page and, each by itself, for a card.

The charts are few and plain, and each has to follow light and dark by itself, stay small, and be
the same bytes for the same figures; so they are templates, and no plotting library draws them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.comparison.counting import OTHERS
from flows.comparison.distribution import Distribution, aligned
from flows.comparison.wording import number, percent
from flows.reporting.page.histogram import BASE, LEFT, RIGHT, histogram
from flows.reporting.page.rendering import clipped, rendered_text

NAMES = ("now", "before")

_WIDTH, _HEIGHT = 420, 214
_ROW = 24
_LABELS_END, _SPAN = 142, 180
_LABELS = 10
_LABEL_WIDTH = 21
_TITLE_WIDTH = 40


@dataclass(frozen=True, slots=True)
class Amount:
    """A line of a bar chart: its label, the amounts now and before, and what is written of them."""

    label: str
    now: float
    before: float | None
    said: str


def distribution_chart(
    now: Distribution, before: Distribution | None = None, names: tuple[str, str] = NAMES
) -> str:
    """Return the chart of a column's distribution; `before` is drawn as an outline.

    It shows the share of the values in each bin, or that of the most frequent labels. `names` are
    those of the two versions. A distribution of another kind is not drawn beside it.
    """
    then = before if before and before.values and before.kind == now.kind else None
    note = " · ".join(_notes(now, then))
    if now.kind == "label":
        return _bars(now.column, _shares(now, then), names, note)
    return rendered_text(
        "histogram.svg.jinja2",
        width=_WIDTH,
        height=_HEIGHT,
        left=LEFT,
        right=RIGHT,
        base=BASE,
        title=clipped(now.column, _TITLE_WIDTH),
        unit="" if now.what == "value" else now.what,
        note=note,
        names=names if then else (),
        drawn=histogram(now, then),
    )


def bar_chart(title: str, amounts: Sequence[Amount], names: tuple[str, str] = NAMES) -> str:
    """Return a chart with one bar for each amount; the amount before is drawn as an outline."""
    return _bars(title, amounts, names, "")


def _bars(title: str, amounts: Sequence[Amount], names: tuple[str, str], note: str) -> str:
    top = 52 if note else 34
    most = max((max(its.now, its.before or 0) for its in amounts), default=0) or 1
    return rendered_text(
        "bars.svg.jinja2",
        width=_WIDTH,
        height=top + _ROW * len(amounts) + 4,
        top=top,
        row=_ROW,
        left=_LABELS_END,
        span=_SPAN,
        title=clipped(title, _TITLE_WIDTH),
        unit="",
        note=note,
        names=names if any(its.before is not None for its in amounts) else (),
        bars=[
            {
                "label": clipped(its.label, _LABEL_WIDTH),
                "full": its.label,
                "now": its.now / most,
                "before": None if its.before is None else its.before / most,
                "said": its.said,
            }
            for its in amounts
        ],
    )


def _shares(now: Distribution, then: Distribution | None) -> list[Amount]:
    """Return the shares of the most frequent labels, and of all others together."""
    of_now, of_then = max(1, now.values), max(1, then.values if then else 0)
    shares = {
        str(label): (mine / of_now, others / of_then)
        for label, mine, others in aligned(now, then or now)
    }
    rest = [shares.pop(OTHERS, (0.0, 0.0))]
    order = sorted(shares, key=lambda label: (-max(shares[label]), label))
    rest += [shares[label] for label in order[_LABELS:]]
    listed = [(label, *shares[label]) for label in order[:_LABELS]]
    if any(map(any, rest)):
        listed.append((OTHERS, sum(its for its, _ in rest), sum(its for _, its in rest)))
    return [
        Amount(label, share, before if then else None, _said(share, before if then else None))
        for label, share, before in listed
    ]


def _said(share: float, before: float | None) -> str:
    return percent(share) if before is None else f"{percent(share)}, was {percent(before)}"


def _notes(now: Distribution, then: Distribution | None) -> list[str]:
    notes = []
    if now.quantiles:
        notes.append(f"median {number(now.quantiles[0.5])}")
        if then and then.quantiles:
            notes[-1] += f", before {number(then.quantiles[0.5])}"
    missing = [its.nulls / max(1, its.values + its.nulls) for its in (now, then) if its]
    if any(missing):
        notes.append(f"missing {percent(missing[0])}")
        if then:
            notes[-1] += f", before {percent(missing[1])}"
    if not now.values:
        notes = ["no values"]
    return notes
