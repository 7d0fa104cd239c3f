"""A candidate goes where the flow publishes: the Hub, a URL, a folder."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from flows.publishing import hub, remote
from flows.publishing.card import card_files
from flows.publishing.folder import (
    check_folder,
    put,
    staging_beside,
    translated_errors,
    version_in,
    write_files,
)
from flows.publishing.targets import Published
from flows.refresh.outcome import Delivered
from flows.settings import FlowSettings
from flows.versions.saved import CARD, SavedVersion


def check_delivery(settings: FlowSettings) -> None:
    """Find out before a run whether its dataset could be delivered.

    Raises:
        ConfigurationError: the folder holds something else.
        PublishingError: the Hub does not know who publishes.
    """
    if settings.is_remote:
        remote.check_url(settings.output)
    else:
        check_folder(settings.output)
    if settings.repo:
        hub.check_access(settings.repo)


def deliver(candidate: SavedVersion, settings: FlowSettings) -> Delivered:
    """Publish a candidate; where its content is there already, nothing is done.

    A branch or a pull request for review is no place of the last version: the folder or URL waits.

    Raises:
        PublishingError: it cannot be published; the candidate stays.
    """
    on_hub = None
    if settings.hub is not None:
        on_hub = _delivered(hub.publish(candidate, settings.hub, card=settings.card))
        if not settings.hub.is_final:
            return on_hub
        candidate = SavedVersion.open(candidate.folder)
    if settings.is_remote:
        there = _delivered(remote.publish(candidate, settings.output, card=settings.card))
        return on_hub or there
    there = _in_folder(candidate, settings, dressed=on_hub is not None)
    shutil.rmtree(candidate.folder, ignore_errors=True)
    return replace(on_hub, folder=there.folder) if on_hub else there


def _delivered(published: Published) -> Delivered:
    return Delivered(
        published.version,
        published.committed,
        published.address,
        pull_request=published.pull_request,
    )


def _in_folder(candidate: SavedVersion, settings: FlowSettings, *, dressed: bool) -> Delivered:
    """Put a copy of a candidate into the folder; `dressed` says that it has its README already."""
    folder = Path(settings.output).absolute()
    there = version_in(folder)
    if there is not None and there.digest == candidate.digest:
        return Delivered(there.manifest.tag, False, str(folder), str(folder))
    readme = folder / CARD
    with staging_beside(folder) as staged, translated_errors(folder):
        shutil.copytree(candidate.folder, staged, dirs_exist_ok=True)
        if not dressed:
            before = readme.read_bytes() if readme.is_file() else None
            write_files(staged, card_files(candidate, settings.card, before=before))
        put(staged, folder)
    return Delivered(candidate.manifest.tag, True, str(folder), str(folder))
