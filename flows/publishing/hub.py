"""A dataset on the Hugging Face Hub: one version, one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.dataset import DatasetVersion
from flows.publishing.folder import (
    MANIFEST,
    PublishingError,
    read_manifest,
    translated_errors,
    write_files,
)
from tasks.export import hub_commit
from tasks.export.hub_commit import Changes, HubError, Published


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `PublishingError` unless the Hub knows who publishes; asked before a run."""
    with _as_publishing_errors():
        hub_commit.check_access(repo_id, token)


def push(
    version: DatasetVersion, repo_id: str, *, private: bool = False, token: str | None = None
) -> str:
    """Publish a dataset and return the address of the commit that holds it.

    Files of an earlier version that the new one lacks go with the same commit; other files of the
    repository stay. Where nothing changed there is no commit.

    Raises:
        PublishingError: the Hub refuses or cannot be reached.
    """
    check_access(repo_id, token)
    with TemporaryDirectory() as staged:
        folder = Path(staged)
        with translated_errors(folder):
            write_files(version, folder)
        files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

        def changes(published: Published) -> Changes:
            gone = tuple(name for name in _data_files(published) if name not in files)
            return Changes(f"{version.name}: {version.rows} rows", files, gone)

        with _as_publishing_errors():
            return hub_commit.commit(repo_id, changes, private=private, token=token)


def _data_files(published: Published) -> list[str]:
    """Return the data files that the published version has by its own manifest, if there is one."""
    path = published.download(MANIFEST)
    if path is None:
        return []
    listed = (read_manifest(path) or {"files": {}})["files"]
    there = set(published.files())
    return [
        shard["path"] for shards in listed.values() for shard in shards if shard["path"] in there
    ]


@contextmanager
def _as_publishing_errors() -> Iterator[None]:
    try:
        yield
    except HubError as error:
        raise PublishingError(str(error)) from error
