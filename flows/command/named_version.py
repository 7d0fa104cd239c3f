"""Versions by the names that users give them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.versions.saved import SavedVersion
from llms.errors import ConfigurationError

_ON_THE_HUB = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>.+)")
_AT_A_URL = re.compile(r"(?P<url>[a-z0-9]+://.+?)(@(?P<tag>v\d+))?")


@contextmanager
def named_version(name: str) -> Iterator[SavedVersion]:
    """Open a version for the time of a block.

    `name` is a folder, `owner/name@v3` on the Hub, or a URL, which may end in `@v3`.

    Raises:
        ConfigurationError: there is none.
        PublishingError: it cannot be fetched, or what is there is damaged.
    """
    if Path(name).is_dir():
        yield SavedVersion.open(name)
        return
    with TemporaryDirectory(prefix="stillhouse-") as place:
        version = _fetched(name, Path(place) / "version")
        if version is None:
            raise ConfigurationError(f"There is no version of ours at {name!r}.")
        yield version


def _fetched(name: str, folder: Path) -> SavedVersion | None:
    if found := _AT_A_URL.fullmatch(name):
        from flows.publishing.remote import fetch as fetch_from

        return fetch_from(found["url"], folder, found["tag"])
    if found := _ON_THE_HUB.fullmatch(name):
        from flows.publishing.hub import fetch

        return fetch(found["repo"], found["revision"], folder)
    raise ConfigurationError(
        f"There is no folder {name!r}; name the folder of a version, or one on the Hub as "
        f"owner/name@v3."
    )
