"""`Verdict`: what a gate found, and what becomes of a version that did not pass."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flows.reporting.accounts import cell
from llms.errors import StillhouseError

Measured = float | int | str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a gate found about one subject: a column, a configuration, or "" for the whole version.

    `measured` is what it compared with `wanted`, None where there was nothing to measure.
    `sentence` says what was found, with up to three examples; `rows` are the keys of up to 20 of
    the rows it speaks of.
    """

    gate: str
    subject: str
    passed: bool
    measured: Measured
    wanted: str
    sentence: str
    rows: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {**asdict(self), "rows": list(self.rows)}


class GateFailed(StillhouseError):
    """A version did not pass its gates and is not published; the last good one stays."""


def raise_if_failed(verdicts: Iterable[Verdict]) -> None:
    """Raise `GateFailed` with the sentences of the gates that failed, if any did."""
    failed = [verdict.sentence for verdict in verdicts if not verdict.passed]
    if failed:
        raise GateFailed(" ".join(failed))


def verdicts_table(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts as a Markdown table, empty if there are none."""
    if not verdicts:
        return ""
    lines = ["| gate | of | wanted | found | |", "|---|---|---|---|---|"]
    lines += [
        f"| {cell(verdict.gate)} | {cell(verdict.subject)} | {cell(verdict.wanted)} "
        f"| {cell(verdict.sentence)} | {'passed' if verdict.passed else '**failed**'} |"
        for verdict in verdicts
    ]
    return "\n".join(lines)


def percent(share: float) -> str:
    """Return a share as a percentage of three digits."""
    return f"{100 * share:.3g}%"


def number(value: float) -> str:
    """Return a whole number as it is, another one with four digits or none after the point."""
    whole = isinstance(value, int) or abs(value) >= 1_000
    return f"{value:,.0f}" if whole else f"{value:.4g}"


def bounds(at_least: float | None, at_most: float | None, unit: str = "") -> str:
    """Return bounds in words, such as "at least 2 and at most 5"."""
    said = [
        f"{word} {number(value)}"
        for word, value in (("at least", at_least), ("at most", at_most))
        if value is not None
    ]
    return " and ".join(said) + unit


def outside(value: float, at_least: float | None, at_most: float | None) -> bool:
    """Tell whether a value is below the one or above the other bound."""
    return (at_least is not None and value < at_least) or (at_most is not None and value > at_most)
