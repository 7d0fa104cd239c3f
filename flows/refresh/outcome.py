"""What a refresh came to, as a summary of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flows.dataset import DatasetVersion
from flows.refresh.plan import Plan
from flows.versions.saved import SavedVersion


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a version is now.

    `published` says that it was not there before; `address` is that of its commit or folder,
    `pull_request` that of the one in which it waits.
    """

    version: str
    published: bool
    address: str
    folder: str | None = None
    pull_request: str | None = None


def summary_of(
    version: DatasetVersion, candidate: SavedVersion, plan: Plan, delivered: Delivered
) -> dict[str, Any]:
    """Return what people and programs want to know at the end of a refresh."""
    return {
        **version.summary(),
        "version": delivered.version,
        "digest": candidate.digest,
        "published": delivered.published,
        "address": delivered.address,
        "folder": delivered.folder,
        "pull_request": delivered.pull_request,
        "plan": plan.as_json(),
    }
