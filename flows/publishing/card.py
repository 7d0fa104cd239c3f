"""The dataset card: metadata the Hub and `datasets` read, and a page people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from flows.publishing.card_edits import Card, Readme, render
from flows.publishing.card_metadata import ALWAYS_OURS, metadata_of
from flows.publishing.card_page import CHARTS, page_of
from flows.publishing.card_settings import CardSettings
from flows.versions.saved import CARD, SavedVersion

Charts = Mapping[str, str]
"""File name to SVG."""

_SHOWN = re.compile(rf"\({CHARTS}/([^()/\s]+)\)")


def card_files(
    version: SavedVersion,
    settings: CardSettings | None = None,
    charts: Charts | None = None,
    *,
    repo: str | None = None,
    before: bytes | None = None,
) -> dict[str, bytes]:
    """Return the README of a version and its charts, by their path.

    `charts` are those in the version's folder if none are given. What a person wrote stays: in the
    README that is `before` this one, and where there is none, in that of the version's folder.

    Raises:
        PublishingError: one of them is no text, or its metadata are no YAML.
    """
    settings = settings or CardSettings()
    charts = charts_in(version.folder) if charts is None else charts
    metadata = metadata_of(version, settings)
    ours = ALWAYS_OURS | set(settings.metadata)
    given = {name: value for name, value in metadata.items() if name not in ours}
    card = Card(metadata, ours, page_of(version, settings, list(charts), repo), given)
    here = version.folder / CARD
    old = Readme.read(here.read_bytes()) if here.is_file() else None
    if old is not None:
        card = replace(card, metadata=old.metadata_for(card))
    readme = render(card, old if before is None else Readme.read(before))
    files = {f"{CHARTS}/{name}": drawn.encode() for name, drawn in charts.items()}
    return {CARD: readme.encode(), **files}


def charts_in(folder: Path) -> Charts:
    """Return the charts of a version's folder."""
    return {file.name: file.read_text("utf-8") for file in sorted((folder / CHARTS).glob("*.svg"))}


def charts_shown(readme: bytes) -> list[str]:
    """Return the paths of the charts that our part of a README shows."""
    return [f"{CHARTS}/{name}" for name in _SHOWN.findall(Readme.read(readme).page)]
