"""What is worth saying of a comparison: one sentence for each thing that moved."""

from __future__ import annotations

from collections.abc import Iterator

from flows.comparison.distribution import Distribution, aligned
from flows.comparison.drift import ColumnDrift, Shift
from flows.comparison.duplicates import NearDuplicates
from flows.comparison.meaning import MeaningDrift
from flows.comparison.ratings import RatingDelta
from flows.comparison.rejections import Rejections, StepRejections
from flows.comparison.rows import RowChanges
from flows.comparison.wording import number, percent, quoted

QUIET = "No drift worth naming."

_NAMES = 12


def column_findings(drifts: list[ColumnDrift]) -> Iterator[str]:
    """Yield a sentence for each column that drifted."""
    for drift in drifts:
        if drift.then and drift.all and drift.all.named:
            yield _shifted(quoted(drift.name), drift.all, drift.then)
        elif drift.then and drift.fresh and drift.fresh.named:
            yield _shifted(
                f"In the new and changed rows, {quoted(drift.name)}", drift.fresh, drift.then
            )


def rating_findings(deltas: list[RatingDelta]) -> Iterator[str]:
    """Yield a sentence for each number that moved in the rows of both versions."""
    for its in deltas:
        if its.named:
            rose = "rose" if its.now > its.before else "fell"
            yield (
                f"In the {its.rows:,} rows of both versions {quoted(its.column)} {rose} from "
                f"{number(its.before)} to {number(its.now)} on average ({its.risen:,} up, "
                f"{its.fallen:,} down)."
            )


def meaning_findings(drifts: list[MeaningDrift]) -> Iterator[str]:
    """Yield a sentence for each column whose texts are about other things."""
    for drift in drifts:
        if drift.named:
            yield (
                f"The texts of {quoted(drift.column)} are about other things: their centroids are "
                f"{drift.distance:.3f} apart (1 - cosine), where chance gives up to "
                f"{drift.noise:.3f}."
            )
        nearness = drift.nearness
        if nearness and nearness.named:
            how = "farther from" if nearness.added < nearness.before else "nearer to"
            yield (
                f"The added texts of {quoted(drift.column)} are {how} the old ones than these are "
                f"to each other: cosine {nearness.added:.2f} to the nearest, against "
                f"{nearness.before:.2f}."
            )


def duplicate_findings(duplicates: list[NearDuplicates]) -> Iterator[str]:
    """Yield a sentence for each column whose share of near-duplicates moved."""
    for its in duplicates:
        if its.named and its.share_before is not None:
            yield (
                f"{percent(its.share)} of the rows are near-duplicates of an earlier one in "
                f"{quoted(its.column)}, before {percent(its.share_before)}."
            )


def rejection_findings(found: Rejections) -> Iterator[str]:
    """Yield a sentence for each step whose share of rejected rows moved."""
    for step in found.steps:
        if step.named:
            yield _rejecting(step, found)


def structure_findings(changes: RowChanges) -> Iterator[str]:
    """Yield a sentence for columns that came or went."""
    if changes.rows_before and changes.new_columns:
        yield f"New columns: {_listed(changes.new_columns)}."
    if changes.gone_columns:
        yield f"Columns that are gone: {_listed(changes.gone_columns)}."


def _shifted(what: str, shift: Shift, then: Distribution) -> str:
    now = shift.now
    moved = [f"{what} drifted (distance {shift.distance:.2f}, chance up to {shift.noise:.2f})"]
    if now.kind != then.kind:
        return f"{what} holds values of another kind than before."
    missing = _share(now.nulls, now), _share(then.nulls, then)
    if abs(missing[0] - missing[1]) >= 0.05:
        moved.append(f"missing in {percent(missing[0])} of the rows, before {percent(missing[1])}")
    if now.kind == "label" and now.values and then.values:
        moved.append(_moved_label(now, then))
    elif now.quantiles and then.quantiles and now.mean is not None and then.mean is not None:
        middle, before = now.quantiles[0.5], then.quantiles[0.5]
        unit = f" {now.what}" if now.what != "value" else ""
        if middle != before:
            moved.append(f"median {number(middle)}{unit}, before {number(before)}")
        else:
            moved.append(f"mean {number(now.mean)}{unit}, before {number(then.mean)}")
    return f"{moved[0]}: {'; '.join(moved[1:])}." if moved[1:] else f"{moved[0]}."


def _moved_label(now: Distribution, then: Distribution) -> str:
    shares = {
        label: (mine / max(1, now.values), others / max(1, then.values))
        for label, mine, others in aligned(now, then)
    }
    label = max(shares, key=lambda its: abs(shares[its][0] - shares[its][1]))
    mine, others = shares[label]
    return f"{quoted(label)} in {percent(mine)} of the rows, before {percent(others)}"


def _share(count: int, distribution: Distribution) -> float:
    return count / max(1, distribution.values + distribution.nulls)


def _rejecting(step: StepRejections, found: Rejections) -> str:
    moved = {its.reason: its.now - its.before for its in found.reasons if its.step == step.step}
    most = max(moved, key=lambda reason: moved[reason], default="")
    why = f"; the reason that grew most: {quoted(most)}" if most and moved[most] > 0 else ""
    return (
        f"Step {quoted(step.step)} rejects {percent(step.rejected / step.rows)} of its rows, "
        f"before {percent(step.rejected_before / step.rows_before)}{why}."
    )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return ", ".join(map(quoted, names[:_NAMES])) + more
