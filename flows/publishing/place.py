"""A place at a URL where versions go, and how it is reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import fsspec
from fsspec.implementations.local import LocalFileSystem

from flows.publishing.card import charts_shown
from flows.publishing.errors import PublishingError
from flows.versions.manifest import MANIFEST
from flows.versions.saved import CARD
from llms.errors import ConfigurationError, MissingPackageError, StillhouseError

_LATEST = "latest.json"


@dataclass(frozen=True, slots=True)
class Latest:
    """The version that readers get: its number and the digest of its content."""

    version: int
    digest: str

    @property
    def tag(self) -> str:
        """The name of the version, and of its folder."""
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class Place:
    """A URL, and how to get there."""

    url: str
    files: Any
    root: str

    @classmethod
    def at(cls, url: str) -> Self:
        """Find out how to get to a URL.

        Raises:
            ConfigurationError: nothing is known of such URLs, or it holds a password.
            MissingPackageError: the package for such URLs is not installed.
        """
        if urlsplit(url).password:
            raise ConfigurationError(
                "The URL to publish to holds a password or a key, and URLs are written down; "
                "leave it out and set it where its provider's tools read it."
            )
        try:
            files, root = fsspec.url_to_fs(url)
        except ImportError as error:
            raise MissingPackageError(f"{url!r} cannot be reached: {error}.") from error
        except ValueError as error:
            raise ConfigurationError(f"{url!r} cannot be published to: {error}.") from error
        if isinstance(files, LocalFileSystem):
            files = LocalFileSystem(auto_mkdir=True)
        return cls(url, files, root.rstrip("/"))

    def path(self, *parts: str) -> str:
        """Return the path of a file."""
        return "/".join([self.root, *parts])

    def read(self, *parts: str) -> bytes | None:
        """Return a small file, None if it is not there."""
        try:
            content: bytes = self.files.cat_file(self.path(*parts))
        except FileNotFoundError:
            return None
        return content

    def latest(self) -> Latest | None:
        """Return which version is the latest, None if there is none yet."""
        content = self.read(_LATEST)
        if content is None:
            return None
        try:
            return Latest(**json.loads(content))
        except (TypeError, ValueError) as error:
            raise PublishingError(
                f"{self.path(_LATEST)!r} is no list of ours; remove it or publish elsewhere."
            ) from error

    def set_latest(self, latest: Latest) -> None:
        """Make a version the latest, in one step."""
        content = json.dumps({"version": latest.version, "digest": latest.digest}).encode()
        place = self.path(_LATEST)
        if not isinstance(self.files, LocalFileSystem):
            self.files.pipe_file(place, content)
            return
        self.files.pipe_file(f"{place}.part", content)
        self.files.mv(f"{place}.part", place)

    def small_files(self, tag: str) -> dict[str, bytes]:
        """Return manifest, README and the charts that it shows of a version, by path."""
        readme = self.read(tag, CARD)
        wanted = [MANIFEST, CARD, *(charts_shown(readme) if readme else ())]
        found = {path: self.read(tag, path) for path in wanted}
        return {path: content for path, content in found.items() if content is not None}


@contextmanager
def url_errors(url: str) -> Iterator[None]:
    """Turn what a file system says into a `PublishingError`."""
    try:
        yield
    except StillhouseError:
        raise
    except Exception as error:
        # Each provider's package has exceptions of its own.
        said = " ".join(str(error).split()) or type(error).__name__
        raise PublishingError(
            f"{url!r} cannot be read or written ({said}); run again when it can: nothing has to be "
            f"generated again."
        ) from error
