"""The version that a refresh starts from: what is published is enough."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from flows.publishing.folder import version_in
from flows.settings import FlowSettings
from flows.versions.saved import SavedVersion
from llms.home import home
from tasks.export.hub_commit import MAIN


def last_version(settings: FlowSettings) -> SavedVersion | None:
    """Return the version that is published where a flow publishes; None if there is none yet.

    A repository on the Hub counts before a URL, and that before the folder.

    Raises:
        PublishingError: it cannot be fetched; a refresh never takes that for nothing.
    """
    if settings.repo:
        from flows.publishing.hub import fetch

        branch = settings.branch or MAIN
        return fetch(settings.repo, branch, _copy_of(settings.repo), fallback=MAIN)
    if settings.is_remote:
        from flows.publishing.remote import fetch as fetch_from

        return fetch_from(settings.output, _copy_of(settings.output))
    return version_in(settings.output)


def _copy_of(place: str) -> Path:
    return home() / "published" / quote(place, safe="")
