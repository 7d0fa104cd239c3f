"""One commit to a dataset repository of the Hugging Face Hub, on top of a known one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import TypeVar

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RemoteEntryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported lazily
    parse_ratelimit_headers,
    validate_repo_id,
)

from llms.errors import StillhouseError

T = TypeVar("T")

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 1.0
_WORTH_RETRYING = {408, 409, 412, 429, 500, 502, 503, 504}
# What the clients raise when an upload fails, an answer does not come, or it comes from a proxy.
_BROKEN = (OSError, TransportError, RuntimeError, JSONDecodeError)
_GET_TOKEN = "set HF_TOKEN to a token with write access, or run `hf auth login`."


class HubError(StillhouseError):
    """The Hub refuses a dataset or cannot be reached; what was to be pushed is not lost."""


@dataclass(frozen=True, slots=True)
class Published:
    """A repository as it was at the commit that the next one is made on."""

    api: HfApi
    repo_id: str
    revision: str | None

    def files(self) -> list[str]:
        """Return the paths of all files."""
        return self.api.list_repo_files(self.repo_id, repo_type="dataset", revision=self.revision)

    def download(self, path: str) -> Path | None:
        """Return a file, None where there is no such one."""
        try:
            return Path(
                self.api.hf_hub_download(
                    self.repo_id, path, repo_type="dataset", revision=self.revision
                )
            )
        except RemoteEntryNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Changes:
    """What a commit changes: files by their path in the repository, and files that go."""

    message: str
    added: Mapping[str, Path | bytes]
    deleted: tuple[str, ...] = ()


def check_access(repo_id: str, token: str | None = None) -> None:
    """Raise `HubError` unless the Hub knows who publishes and lets them write."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise _misnamed(repo_id) from error
    if "/" not in repo_id:
        raise _misnamed(repo_id)
    if token is None and get_token() is None:
        raise HubError(f"There is no token for the Hub to push {repo_id!r}; {_GET_TOKEN}")
    try:
        known = _patiently(HfApi(token=token).whoami, repo_id)
    except HfHubHTTPError as error:
        raise _refused(repo_id, error) from error
    if known.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise HubError(f"The token for {repo_id!r} can only read; {_GET_TOKEN}")


def commit(
    repo_id: str,
    changes: Callable[[Published], Changes],
    *,
    private: bool = False,
    token: str | None = None,
) -> str:
    """Commit changes to a repository, made if it is not there, and return the commit's address.

    `changes` is asked again when somebody else has committed in between. Where no file changes
    there is no commit.

    Raises:
        HubError: the Hub refuses or cannot be reached.
    """
    api = HfApi(token=token)
    try:
        _patiently(
            lambda: api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True),
            repo_id,
        )
        return _patiently(lambda: _commit(api, repo_id, changes), repo_id)
    except (HfHubHTTPError, ValueError) as error:
        raise _refused(repo_id, error) from error


def _commit(api: HfApi, repo_id: str, changes: Callable[[Published], Changes]) -> str:
    head = api.repo_info(repo_id, repo_type="dataset").sha
    wanted = changes(Published(api, repo_id, head))
    made = api.create_commit(
        repo_id,
        repo_type="dataset",
        operations=[
            *(CommitOperationAdd(path, content) for path, content in wanted.added.items()),
            *(CommitOperationDelete(path) for path in wanted.deleted),
        ],
        commit_message=wanted.message,
        parent_commit=head,
    )
    return str(made.commit_url)


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
                raise HubError(
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


def _misnamed(repo_id: str) -> HubError:
    return HubError(
        f"A dataset on the Hub is named owner/name, with letters, digits, '-', '_' and '.', not "
        f"{repo_id!r}."
    )


def _refused(repo_id: str, error: HfHubHTTPError | ValueError) -> HubError:
    if not isinstance(error, HfHubHTTPError):
        said = " ".join(str(error).split())
        return HubError(f"The Hub refused the dataset {repo_id!r}: {said}")
    status = error.response.status_code
    if status in (401, 403):
        return HubError(f"The Hub refuses the token for {repo_id!r} ({status}); {_GET_TOKEN}")
    said = getattr(error, "server_message", None) or str(error).splitlines()[0]
    return HubError(f"The Hub refused the dataset {repo_id!r} ({status}): {said}")
