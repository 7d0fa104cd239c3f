"""`Comparison`: what differs between a version and the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

from flows.comparison.costs import Costs, costs
from flows.comparison.drift import ColumnDrift, column_drift
from flows.comparison.duplicates import NearDuplicates, near_duplicates
from flows.comparison.excerpts import plain
from flows.comparison.findings import (
    QUIET,
    column_findings,
    duplicate_findings,
    meaning_findings,
    rating_findings,
    rejection_findings,
    structure_findings,
)
from flows.comparison.meaning import MeaningDrift, meaning_drift
from flows.comparison.pairing import paired
from flows.comparison.ratings import RatingDelta, rating_deltas
from flows.comparison.rejections import Rejections, rejections
from flows.comparison.rows import RowChanges, row_changes
from flows.comparison.texts import longest_texts
from flows.versions.saved import SavedVersion

_COLUMNS_FOR_DUPLICATES = 1


@dataclass(frozen=True, slots=True)
class Named:
    """A version as a comparison names it."""

    tag: str
    digest: str
    rows: int
    rejected: int
    run: str


@dataclass(frozen=True, slots=True)
class ConfigurationComparison:
    """What differs in one configuration.

    `columns` begin with the largest distance. `meaning` is None where no model to read texts is
    installed, `duplicates` is empty where `rensa` is not. `findings` say what is worth naming.
    """

    rows: RowChanges
    columns: tuple[ColumnDrift, ...]
    ratings: tuple[RatingDelta, ...]
    meaning: tuple[MeaningDrift, ...] | None
    duplicates: tuple[NearDuplicates, ...]
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between a version and the one before it, if there was one.

    `findings` say what is worth naming of all configurations; there are none where rows are only
    new, gone or reworded and everything else is as it was.
    """

    now: Named
    before: Named | None
    configurations: dict[str, ConfigurationComparison]
    gone_configurations: tuple[str, ...]
    rejections: Rejections
    costs: Costs
    findings: tuple[str, ...]

    @property
    def drift(self) -> str:
        """What moved, in one text."""
        return " ".join(self.findings) or QUIET

    @property
    def added(self) -> int:
        """How many rows are new."""
        return sum(its.rows.added for its in self.configurations.values())

    @property
    def changed(self) -> int:
        """How many rows changed."""
        return sum(its.rows.changed for its in self.configurations.values())

    @property
    def removed(self) -> int:
        """How many rows are gone."""
        return sum(its.rows.removed for its in self.configurations.values())

    @property
    def unchanged(self) -> int:
        """How many rows are the same."""
        return sum(its.rows.unchanged for its in self.configurations.values())

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as plain values."""
        return {
            "now": plain(self.now),
            "before": plain(self.before),
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "unchanged": self.unchanged,
            "drift": self.drift,
            "findings": list(self.findings),
            "configurations": plain(self.configurations),
            "gone_configurations": list(self.gone_configurations),
            "rejections": plain(self.rejections),
            "costs": plain(self.costs),
        }


def compare(version: SavedVersion, before: SavedVersion | None) -> Comparison:
    """Compare a version with the one before it.

    Rows and distributions are compared over all rows; near-duplicates and the meaning of texts over
    samples, whose sizes the result states.
    """
    configurations = {
        name: _configuration(version, before, name) for name in version.configurations
    }
    gone = [name for name in before.configurations if name not in configurations] if before else []
    rejected = rejections(version, before)
    findings = [
        f"In {name}: {finding}" if len(configurations) > 1 else finding
        for name, its in configurations.items()
        for finding in its.findings
    ]
    if before:
        findings += rejection_findings(rejected)
    return Comparison(
        _named(version),
        _named(before) if before else None,
        configurations,
        tuple(gone),
        rejected,
        costs(version, before),
        tuple(findings),
    )


def _named(version: SavedVersion) -> Named:
    manifest = version.manifest
    return Named(manifest.tag, version.digest, version.rows, manifest.rejected, manifest.run)


def _configuration(
    version: SavedVersion, before: SavedVersion | None, name: str
) -> ConfigurationComparison:
    if before is not None and name not in before.configurations:
        before = None
    pairing = paired(version, before, name)
    changes = row_changes(version, before, name, pairing)
    drifts = column_drift(version, before, name, pairing)
    deltas = rating_deltas(version, before, name, pairing)
    meaning = meaning_drift(version, before, name, pairing, drifts)
    duplicates = [
        found
        for column in longest_texts(drifts, _COLUMNS_FOR_DUPLICATES)
        if (found := near_duplicates(version, before, name, column)) is not None
    ]
    findings = chain(
        structure_findings(changes),
        column_findings(drifts),
        rating_findings(deltas),
        meaning_findings(meaning or []),
        duplicate_findings(duplicates),
    )
    return ConfigurationComparison(
        changes,
        tuple(drifts),
        tuple(deltas),
        None if meaning is None else tuple(meaning),
        tuple(duplicates),
        tuple(findings),
    )
