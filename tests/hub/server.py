"""The Hub: its repositories, its store of large files, and the faults it is told to have."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Unpack

from aiohttp import web

from tests.hub.faults import Cut, Fault
from tests.hub.refusals import no_repository, no_revision
from tests.hub.repository import Commit, Repository
from tests.hub.storage import Storage
from tests.hub.switches import Switches


class FakeHub:
    """Serves `repositories`, named owner/name; `calls` are the actions asked for, in order.

    An action is the name of a method in `tests.hub.api`. Repositories: whoami, create, delete,
    settings, info. Commits: validate, preupload, commit, history. Names: refs, branch,
    delete_branch, tag, delete_tag. Pull requests: discussions, discussion, merge. Reading: tree,
    paths, resolve, and download from the other host. LFS: batch, upload, part, complete, verify.
    Xet: read_token, write_token, known_chunk, xorb, shard, reconstruction, fetch.
    """

    def __init__(self, **switches: Unpack[Switches]) -> None:
        self.port = 0
        self.repositories: dict[str, Repository] = {}
        self.calls: list[str] = []
        self.storage = Storage()
        self.xet = switches.get("xet", False)
        self.part_bytes = switches.get("part_bytes")
        self.redirects = switches.get("redirects", False)
        self.page_size = switches.get("page_size", 1000)
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)

    @property
    def url(self) -> str:
        """The address, as `HF_ENDPOINT` takes it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def uploaded_bytes(self) -> int:
        """Bytes of large files that clients have sent, by LFS or by Xet."""
        return self.storage.uploaded_bytes

    def fail(self, action: str, *faults: Fault) -> None:
        """Give the next requests of an action one fault each.

        A method before the action, as in "GET resolve", leaves requests by other methods alone.
        """
        self._faults[action].extend(faults)

    def next_fault(self, method: str, action: str) -> Fault | None:
        """Take the fault that the next request is to have."""
        for name in (f"{method} {action}", action):
            faults = self._faults[name]
            if faults and not (method == "HEAD" and isinstance(faults[0], Cut)):
                return faults.popleft()
        return None

    def repository(self, request: web.Request) -> Repository:
        """Return the repository that a request names; raises the Hub's error if there is none."""
        repository = self.repositories.get(name_in(request))
        if repository is None:
            raise no_repository()
        return repository

    def at(self, request: web.Request) -> tuple[Repository, Commit]:
        """Return what a request names; raises the Hub's error if it is not there."""
        repository = self.repository(request)
        revision = request.match_info.get("revision", "main")
        commit = repository.at(revision)
        if commit is None:
            raise no_revision(revision)
        return repository, commit


def name_in(request: web.Request) -> str:
    """Return the name of a repository, owner/name, that a request's path has."""
    return f"{request.match_info.get('owner')}/{request.match_info.get('name')}"
