"""Where the bars, the outline and the axes of a histogram are."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from flows.comparison.distribution import LENGTHS, Distribution, aligned, shared_width
from flows.comparison.wording import percent

LEFT, RIGHT, TOP, BASE = 44.0, 406.0, 52.0, 186.0

_MOST_BINS = 60
_APART = 16
_TICKS = 7
_STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5)
_LINES = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin: where its bar is and what it says."""

    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """The geometry of a histogram: the bars now, the outline of those before, the marks."""

    bars: tuple[Bar, ...]
    outline: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class _Bin:
    low: float
    high: float
    now: float
    before: float

    def is_one_value(self, distribution: Distribution) -> bool:
        """Tell whether only whole numbers are counted, of which the bin has one."""
        return self.high - self.low == 1 and (distribution.whole or distribution.kind == "length")


def histogram(now: Distribution, then: Distribution | None) -> Histogram:
    """Lay out a histogram of numbers or lengths."""
    bins = _bins(now, then)
    if not bins:
        return Histogram((), "", (), ())
    most = max(max(its.now, its.before) for its in bins)
    step = next((its for its in _STEPS if most / its <= _LINES), _STEPS[-1])
    top = max(1, math.ceil(most / step - 1e-9)) * step
    wide = (RIGHT - LEFT) / len(bins)
    single = len(bins) <= _APART and all(its.is_one_value(now) for its in bins)
    gap = wide * 0.24 if len(bins) <= _APART else min(1.0, wide * 0.2)

    def up(share: float) -> float:
        return round(BASE - share / top * (BASE - TOP), 2)

    places = [LEFT + wide * place for place in range(len(bins))]
    bars = [
        Bar(round(x + gap / 2, 2), up(its.now), round(wide - gap, 2), round(BASE - up(its.now), 2),
            _said(its, now, then))
        for x, its in zip(places, bins, strict=True)
    ]  # fmt: skip
    tops = [up(its.before) for its in bins] if then else []
    return Histogram(
        tuple(bars),
        _separate(bars, tops) if len(bins) <= _APART else _stairs(places, tops, wide),
        tuple(
            _centred(bins, wide) if single else _at_edges(bins, wide, lengths=now.kind == "length")
        ),
        tuple(Tick(up(line * step), percent(line * step)) for line in range(round(top / step) + 1)),
    )


def compact(value: float) -> str:
    """Return a number as short as an axis has it."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:.4g}{letter}"
    return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"


def _bins(now: Distribution, then: Distribution | None) -> list[_Bin]:
    """Return the bins of both in order, with those between that hold nothing."""
    pairs = {float(edge): (mine, others) for edge, mine, others in aligned(now, then or now)}
    if not pairs:
        return []
    edges = _edges(now, then, min(pairs), max(pairs))
    found = []
    for low, high in pairwise(edges):
        inside = [counts for edge, counts in pairs.items() if low - 1e-9 <= edge < high - 1e-9]
        mine, others = (sum(its[side] for its in inside) for side in (0, 1))
        share = others / max(1, then.values) if then else 0.0
        found.append(_Bin(low, high, mine / max(1, now.values), share))
    return found


def _edges(
    now: Distribution, then: Distribution | None, first: float, last: float
) -> Sequence[float]:
    """Return the edges of the bins from the first to the last, wider ones where there are many."""
    if now.kind == "length":
        return LENGTHS[bisect_right(LENGTHS, first) - 1 : bisect_right(LENGTHS, last) + 1]
    width = shared_width(now, then or now)
    count = round((last - first) / width) + 1
    joined = math.ceil(count / _MOST_BINS)
    steps = range(math.ceil(count / joined) + 1)
    return [round(first + place * joined * width, 10) for place in steps]


def _centred(bins: Sequence[_Bin], wide: float) -> Iterator[Tick]:
    for place, its in enumerate(bins):
        yield Tick(round(LEFT + wide * (place + 0.5), 2), compact(its.low))


def _at_edges(bins: Sequence[_Bin], wide: float, *, lengths: bool) -> Iterator[Tick]:
    """Yield marks at round edges, and at the first and last one where there are no others."""
    edges = [bins[0].low, *(its.high for its in bins)]
    marked = _round_lengths(edges) if lengths else _round_numbers(edges)
    for place in marked if len(marked) > 1 else (0, len(bins)):
        yield Tick(round(LEFT + wide * place, 2), compact(edges[place]))


def _round_lengths(edges: Sequence[float]) -> list[int]:
    """Return the places of 1, 2, 5, 10, .., or of fewer of them where there are many."""
    marked = list(range(len(edges)))
    for digits in ("12345689", "125", "15", "1"):
        if len(marked) <= _TICKS:
            break
        marked = [
            place for place, edge in enumerate(edges) if f"{edge:.0f}".rstrip("0") in (*digits, "")
        ]
    return marked


def _round_numbers(edges: Sequence[float]) -> list[int]:
    """Return the places of the multiples of 1, 2 or 5 times a power of ten."""
    least = (edges[-1] - edges[0]) / _TICKS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least - 1e-12)
    return [
        place for place, edge in enumerate(edges) if abs(edge / step - round(edge / step)) < 1e-6
    ]


def _separate(bars: Sequence[Bar], tops: Sequence[float]) -> str:
    """Return the outlines of single bars as an SVG path."""
    return "".join(
        f"M{bar.x:g} {BASE:g}V{top:g}H{round(bar.x + bar.width, 2):g}V{BASE:g}"
        for bar, top in zip(bars, tops, strict=False)
        if top < BASE
    )


def _stairs(places: Sequence[float], tops: Sequence[float], wide: float) -> str:
    """Return the outline of all bars together as an SVG path."""
    steps = "".join(
        f"V{top:g}H{round(x + wide, 2):g}" for x, top in zip(places, tops, strict=False)
    )
    return f"M{LEFT:g} {BASE:g}{steps}V{BASE:g}" if steps else ""


def _said(its: _Bin, now: Distribution, then: Distribution | None) -> str:
    place = (
        compact(its.low) if its.is_one_value(now) else f"{compact(its.low)} to {compact(its.high)}"
    )
    before = f", before {percent(its.before)}" if then else ""
    return f"{place}: {percent(its.now)}{before}"
