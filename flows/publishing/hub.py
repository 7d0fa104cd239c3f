"""A dataset on the Hugging Face Hub: one version, one commit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from json import JSONDecodeError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RemoteEntryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported lazily
    parse_ratelimit_headers,
    validate_repo_id,
)

from flows.dataset import DatasetVersion
from flows.publishing.folder import (
    MANIFEST,
    PublishingError,
    read_manifest,
    translated_errors,
    write_files,
)

T = TypeVar("T")

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 1.0
_WORTH_RETRYING = {408, 409, 412, 429, 500, 502, 503, 504}
# What the clients raise when an upload fails, an answer does not come, or it comes from a proxy.
_BROKEN = (OSError, TransportError, RuntimeError, JSONDecodeError)
_GET_TOKEN = "set HF_TOKEN to a token with write access, or run `hf auth login`."


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `PublishingError` unless the Hub knows who publishes; asked before a run."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise _misnamed(repo_id) from error
    if "/" not in repo_id:
        raise _misnamed(repo_id)
    if token is None and get_token() is None:
        raise PublishingError(f"There is no token for the Hub to push {repo_id!r}; {_GET_TOKEN}")
    try:
        known = _patiently(HfApi(token=token).whoami, repo_id)
    except HfHubHTTPError as error:
        raise _refused(repo_id, error) from error
    if known.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise PublishingError(f"The token for {repo_id!r} can only read; {_GET_TOKEN}")


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
        with translated_errors(folder):
            write_files(version, folder)
        try:
            _patiently(
                lambda: api.create_repo(
                    repo_id, repo_type="dataset", private=private, exist_ok=True
                ),
                repo_id,
            )
            return _patiently(lambda: _commit(api, repo_id, folder, version), repo_id)
        except (HfHubHTTPError, ValueError) as error:
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
    except RemoteEntryNotFoundError:
        return []
    listed = (read_manifest(Path(path)) or {"files": {}})["files"]
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
            wait = _wished(error)
        except _BROKEN as error:
            if attempt == _ATTEMPTS:
                raise PublishingError(
                    f"The Hub could not be reached for {repo_id!r} ({error}); run again when it "
                    f"can: nothing has to be generated again."
                ) from error
            wait = 0.0
        jitter = random.uniform(0.5, 1.0)
        time.sleep(max(wait, jitter * _FIRST_WAIT_SECONDS * 2 ** (attempt - 1)))
    raise AssertionError("the last attempt returns or raises")


def _wished(error: HfHubHTTPError) -> float:
    """Return how many seconds the Hub wants to be left alone, 0 if it does not say."""
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds + 1)
    wished = headers.get("retry-after", "")
    return float(wished) if wished.isdigit() else 0.0


def _misnamed(repo_id: str) -> PublishingError:
    return PublishingError(
        f"A dataset on the Hub is named owner/name, with letters, digits, '-', '_' and '.', not "
        f"{repo_id!r}."
    )


def _refused(repo_id: str, error: HfHubHTTPError | ValueError) -> PublishingError:
    if not isinstance(error, HfHubHTTPError):
        said = " ".join(str(error).split())
        return PublishingError(f"The Hub refused the dataset {repo_id!r}: {said}")
    status = error.response.status_code
    if status in (401, 403):
        return PublishingError(
            f"The Hub refuses the token for {repo_id!r} ({status}); {_GET_TOKEN}"
        )
    said = getattr(error, "server_message", None) or str(error).splitlines()[0]
    return PublishingError(f"The Hub refused the dataset {repo_id!r} ({status}): {said}")
