"""One commit to a dataset repository of the Hugging Face Hub, on top of a known one."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path
from typing import TypeVar

from httpx2 import TransportError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, RemoteEntryNotFoundError
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # exported lazily
    parse_ratelimit_headers,
)

from llms.providers.responses import retry_after
from tasks.export.hub_errors import HubError, hub_errors

T = TypeVar("T")

MAIN = "main"

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WISH_SECONDS = 600.0
_WORTH_RETRYING = {408, 409, 412, 425, 429}
# What the clients raise when an upload fails, an answer does not come, or it comes from a proxy.
_BROKEN = (OSError, TransportError, RuntimeError, JSONDecodeError)
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@dataclass(frozen=True, slots=True)
class Head:
    """A repository as it is at a commit, such as the one that the next is made on."""

    api: HfApi
    repo_id: str
    revision: str | None

    @property
    def address(self) -> str:
        """The address of the commit."""
        return f"{self.api.endpoint}/datasets/{self.repo_id}/commit/{self.revision}"

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


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that was made: its address and id; the address of its pull request if it is one."""

    address: str
    revision: str
    pull_request: str | None = None


def commit(
    repo_id: str,
    changes: Callable[[Head], Changes],
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

    def once() -> Committed:
        head = head_of(api, repo_id)
        return commit_on(head, changes(head))

    with hub_errors(repo_id):
        create(api, repo_id, private=private)
        return patiently(once, repo_id).address


def create(api: HfApi, repo_id: str, *, private: bool) -> None:
    """Make a repository if it is not there."""
    patiently(
        lambda: api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True),
        repo_id,
    )


def head_of(api: HfApi, repo_id: str, revision: str = MAIN) -> Head:
    """Return the commit that a branch, a tag or a commit id names."""
    wanted = None if revision == MAIN else revision
    return Head(api, repo_id, api.repo_info(repo_id, repo_type="dataset", revision=wanted).sha)


def commit_on(
    head: Head, changes: Changes, *, branch: str = MAIN, pull_request: bool = False
) -> Committed:
    """Commit changes to a branch whose newest commit `head` is, or propose them there.

    It is asked once. Another newest commit is an error 412.
    """
    made = head.api.create_commit(
        head.repo_id,
        repo_type="dataset",
        operations=[
            *(CommitOperationAdd(path, content) for path, content in changes.added.items()),
            *(CommitOperationDelete(path) for path in changes.deleted),
        ],
        commit_message=changes.message,
        parent_commit=head.revision,
        revision=None if branch == MAIN else branch,
        create_pr=pull_request,
    )
    return Committed(str(made.commit_url), made.oid, made.pr_url)


def patiently(action: Callable[[], T], repo_id: str) -> T:
    """Try again after conflicts, limits, server errors and broken connections.

    Raises:
        HubError: it stays broken, or the Hub wants to be left alone for long.
        HfHubHTTPError: the Hub refuses.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return action()
        except HfHubHTTPError as error:
            status = error.response.status_code
            if not (status in _WORTH_RETRYING or status >= 500) or attempt == _ATTEMPTS:
                raise
            wait = _wished(error, repo_id)
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise
            if attempt == _ATTEMPTS:
                raise HubError(
                    f"The Hub could not be reached for {repo_id!r} ({error}); run again when it "
                    f"can: nothing has to be generated again."
                ) from error
            wait = _wished(error.__cause__, repo_id)
        jitter = random.uniform(0.5, 1.0)
        time.sleep(max(wait, jitter * _FIRST_WAIT_SECONDS * 2 ** (attempt - 1)))
    raise AssertionError("the last attempt returns or raises")


def _wished(error: BaseException | None, repo_id: str) -> float:
    """Return how many seconds the Hub wants to be left alone, 0 if it does not say."""
    if not isinstance(error, HfHubHTTPError):
        return 0.0
    headers = error.response.headers
    limit = parse_ratelimit_headers(headers)
    if limit is not None and limit.remaining == 0:
        wait = float(limit.reset_in_seconds + 1)
    else:
        wait = retry_after(headers) or 0.0
    if wait > _LONGEST_WISH_SECONDS:
        raise HubError(
            f"The Hub takes no more requests for {repo_id!r} for {wait / 60:.0f} minutes; run "
            f"again then: nothing has to be generated again."
        ) from error
    return wait
