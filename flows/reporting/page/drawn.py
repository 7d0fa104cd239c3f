"""The distributions of each configuration, as charts in the order of how far they moved."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from flows.comparison.comparison import ConfigurationComparison
from flows.comparison.distribution import Distribution
from flows.comparison.drift import ColumnDrift
from flows.comparison.meaning import SAMPLE, MeaningDrift
from flows.comparison.ratings import RatingDelta
from flows.comparison.wording import number
from flows.reporting.page.charts import distribution_chart
from flows.reporting.page.report import Report

_CHARTS = 24


@dataclass(frozen=True, slots=True)
class Drawn:
    """The chart of a column, and how far the column moved."""

    chart: Markup
    caption: str
    named: bool


@dataclass(frozen=True, slots=True)
class DrawnConfiguration:
    """What is drawn of a configuration; columns of one value and those left out are only named.

    `unread` is true where no model was there to say what the texts are about.
    """

    name: str
    charts: tuple[Drawn, ...]
    constant: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]
    ratings: tuple[RatingDelta, ...]
    meaning: tuple[MeaningDrift, ...]
    unread: bool
    sample: int = SAMPLE


def drawn_configuration(
    report: Report, name: str, comparison: ConfigurationComparison
) -> DrawnConfiguration:
    """Draw the distributions of a configuration."""
    constant = {drift.name: _only_value(drift) for drift in comparison.columns}
    varied = [drift for drift in comparison.columns if constant[drift.name] is None]
    varied.sort(key=lambda drift: (not drift.named, -drift.distance))
    return DrawnConfiguration(
        name,
        tuple(_drawn(report, drift) for drift in varied[:_CHARTS]),
        tuple((column, value) for column, value in constant.items() if value is not None),
        tuple(drift.name for drift in varied[_CHARTS:]),
        comparison.ratings,
        comparison.meaning or (),
        comparison.meaning is None,
    )


def _drawn(report: Report, drift: ColumnDrift) -> Drawn:
    captions = []
    if drift.all:
        moved = f"distance {drift.all.distance:.2f}, chance up to {drift.all.noise:.2f}"
        captions.append(f"{moved}: drifted" if drift.all.named else moved)
    if drift.fresh and drift.fresh.named:
        captions.append(
            f"new and changed rows: distance {drift.fresh.distance:.2f}, chance up to "
            f"{drift.fresh.noise:.2f}: drifted"
        )
    chart = distribution_chart(drift.now, drift.then, report.names)
    return Drawn(Markup(chart), "; ".join(captions), drift.named)


def _only_value(drift: ColumnDrift) -> str | None:
    """Return the value of a column that has only one, in both versions and with none missing."""
    values = {_single(its) for its in (drift.now, drift.then) if its}
    return values.pop() if len(values) == 1 else None


def _single(distribution: Distribution) -> str | None:
    if not distribution.values:
        return "null" if distribution.nulls else ""
    if distribution.nulls or len(distribution.counts) != 1:
        return None
    if distribution.quantiles is None:
        return str(next(iter(distribution.counts)))
    low, high = distribution.quantiles[0.0], distribution.quantiles[1.0]
    return number(low) if low == high else None
