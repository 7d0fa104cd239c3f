"""Versions at a URL such as `s3://bucket/name`: a folder for each, and which is the latest.

    URL/v3/...        a version, as in a local folder
    URL/latest.json   number and digest of the latest version; written last

A reader that begins at `latest.json` never sees half a version.
"""

from __future__ import annotations

from pathlib import Path

from flows.publishing.card import Charts, card_files
from flows.publishing.card_settings import CardSettings
from flows.publishing.errors import PublishingError
from flows.publishing.fetching import bring
from flows.publishing.folder import check_folder, dress
from flows.publishing.place import Latest, Place, url_errors
from flows.publishing.targets import Published
from flows.publishing.verified import verify
from flows.versions.manifest import MANIFEST
from flows.versions.saved import CARD, SavedVersion


def check_url(url: str) -> None:
    """Raise a `StillhouseError` unless a URL can be read; asked before a run."""
    place = Place.at(url)
    with url_errors(url):
        place.latest()


def publish(
    version: SavedVersion,
    url: str,
    *,
    card: CardSettings | None = None,
    charts: Charts | None = None,
) -> Published:
    """Publish a version to a URL; where its content is the latest there, nothing is done.

    It gets the number after that of the latest version. The version's folder is then what was
    published. One process at a time may publish to a URL.

    Raises:
        ConfigurationError: nothing is known of such URLs.
        PublishingError: the version is not whole, or the URL cannot be read or written.
    """
    verify(version)
    place = Place.at(url)
    with url_errors(url):
        latest = place.latest()
        there = place.small_files(latest.tag) if latest else {}
        if latest is not None and latest.digest == version.digest and MANIFEST in there:
            dress(version.folder, there)
            return Published(f"{url.rstrip('/')}/{latest.tag}", latest.tag, committed=False)
        number = 1 + (latest.version if latest else 0)
        manifest = version.manifest.model_copy(update={"version": number})
        numbered = SavedVersion(version.folder, manifest, version.graph)
        small = {
            **card_files(numbered, card, charts, before=there.get(CARD)),
            MANIFEST: manifest.to_json().encode(),
        }
        _upload(place, numbered, small)
        if place.latest() != latest:
            raise PublishingError(
                f"Somebody else has published to {url!r} at the same time; publish again: nothing "
                f"has to be generated again."
            )
        place.set_latest(Latest(number, version.digest))
        dress(version.folder, small)
    return Published(f"{url.rstrip('/')}/{manifest.tag}", manifest.tag, committed=True)


def fetch(url: str, folder: Path, tag: str | None = None) -> SavedVersion | None:
    """Bring the latest version at a URL, or the one of a tag such as `v2`, into a folder.

    None where no version has been published there yet.

    Raises:
        ConfigurationError: the folder holds something else, or nothing is known of such URLs.
        PublishingError: the URL cannot be read, or a file is not what the version's manifest says.
    """
    check_folder(folder)
    place = Place.at(url)
    with url_errors(url):
        latest = place.latest()
        if latest is None:
            return None
        wanted = tag or latest.tag
        found = place.small_files(wanted)

        def download(paths: list[str], staged: Path) -> None:
            with url_errors(url):
                place.files.get(
                    [place.path(wanted, path) for path in paths],
                    [str(staged / path) for path in paths],
                )

        version = bring(found, download, folder, f"{url.rstrip('/')}/{wanted}")
        if version is None:
            raise PublishingError(f"There is no version {wanted!r} at {url!r}.")
        return version


def _upload(place: Place, version: SavedVersion, small: dict[str, bytes]) -> None:
    """Write a version's folder; what a killed process left of another one goes first."""
    tag = version.manifest.tag
    place.files.invalidate_cache()
    if place.files.exists(place.path(tag)):
        place.files.rm(place.path(tag), recursive=True)
    paths = list(version.manifest.digests)
    place.files.put(
        [str(version.folder / path) for path in paths], [place.path(tag, path) for path in paths]
    )
    for path, content in small.items():
        place.files.pipe_file(place.path(tag, path), content)
