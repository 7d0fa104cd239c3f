"""A dataset on the Hugging Face Hub: one version, one commit."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RepositoryNotFoundError

from flows.dataset import DatasetVersion
from flows.publishing.folder import MANIFEST, PublishingError, write_files

T = TypeVar("T")

_ATTEMPTS = 6
_WORTH_RETRYING = {408, 409, 412, 429, 500, 502, 503, 504}


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `PublishingError` unless the Hub knows who publishes; asked before a run."""
    if repo_id.count("/") != 1 or not all(repo_id.split("/")):
        raise PublishingError(f"A dataset on the Hub is named owner/name, not {repo_id!r}.")
    api = HfApi(token=token)
    try:
        _patiently(api.whoami, repo_id)
    except HfHubHTTPError as error:
        raise _refused(repo_id, error) from error


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
    api = HfApi(token=token)
    with TemporaryDirectory() as staged:
        folder = Path(staged)
        write_files(version, folder)
        try:
            _patiently(
                lambda: api.create_repo(
                    repo_id, repo_type="dataset", private=private, exist_ok=True
                ),
                repo_id,
            )
            return _patiently(lambda: _commit(api, repo_id, folder, version), repo_id)
        except HfHubHTTPError as error:
            raise _refused(repo_id, error) from error


def _commit(api: HfApi, repo_id: str, folder: Path, version: DatasetVersion) -> str:
    head = api.repo_info(repo_id, repo_type="dataset").sha
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    published = _published(api, repo_id, head)
    commit = api.create_commit(
        repo_id,
        repo_type="dataset",
        operations=[
            *(CommitOperationAdd(name, path) for name, path in zip(names, files, strict=True)),
            *(CommitOperationDelete(name) for name in published if name not in names),
        ],
        commit_message=f"{version.name}: {version.rows} rows",
        parent_commit=head,
    )
    return str(commit.commit_url)


def _published(api: HfApi, repo_id: str, revision: str | None) -> list[str]:
    """Return the data files that the published version has by its own manifest, if there is one."""
    try:
        path = api.hf_hub_download(repo_id, MANIFEST, repo_type="dataset", revision=revision)
    except (EntryNotFoundError, RepositoryNotFoundError):
        return []
    listed = json.loads(Path(path).read_text(encoding="utf-8")).get("files", {})
    there = set(api.list_repo_files(repo_id, repo_type="dataset", revision=revision))
    return [
        shard["path"] for shards in listed.values() for shard in shards if shard["path"] in there
    ]


def _patiently(action: Callable[[], T], repo_id: str) -> T:
    """Try again after conflicts, limits, server errors and broken connections."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return action()
        except HfHubHTTPError as error:
            if error.response.status_code not in _WORTH_RETRYING or attempt == _ATTEMPTS:
                raise
            wished = error.response.headers.get("retry-after", "")
            wait = float(wished) if wished.isdigit() else 0.0
        except (OSError, TransportError) as error:
            if attempt == _ATTEMPTS:
                raise PublishingError(
                    f"The Hub could not be reached for {repo_id!r} ({error}); run again when it "
                    f"can: nothing has to be generated again."
                ) from error
            wait = 0.0
        time.sleep(max(wait, random.uniform(0.5, 1.0) * 2 ** (attempt - 1)))
    raise AssertionError("the last attempt returns or raises")


def _refused(repo_id: str, error: HfHubHTTPError) -> PublishingError:
    status = error.response.status_code
    if status in (401, 403):
        return PublishingError(
            f"The Hub refuses the token for {repo_id!r} ({status}); set HF_TOKEN to a token with "
            f"write access, or run `hf auth login`."
        )
    said = getattr(error, "server_message", None) or str(error).splitlines()[0]
    return PublishingError(f"The Hub refused the dataset {repo_id!r} ({status}): {said}")
