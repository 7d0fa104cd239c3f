"""A repository in memory: commits, each with all its files, and the names that point at them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import Literal

from tests.hub.objects import ATTRIBUTES, git_blob

_PULL_REQUEST = "refs/pr/"


@dataclass(frozen=True, slots=True)
class Commit:
    """`files` are all files after the commit, `added` and `deleted` the ones it touched."""

    id: str
    title: str
    files: Mapping[str, bytes]
    added: frozenset[str]
    deleted: frozenset[str]
    description: str = ""
    parent: str | None = None


@dataclass(slots=True)
class PullRequest:
    """Commits beside `main`, from the commit `base` to `head`; revision `refs/pr/{number}`."""

    number: int
    title: str
    description: str
    base: str
    head: str
    status: Literal["open", "merged"] = "open"
    merged_as: str | None = None


class MergeConflict(Exception):
    """`main` and a pull request have changed the same files."""


class Repository:
    """Begins with the commit that the Hub makes of its own accord.

    `branches` and `tags` are commit ids by name.
    """

    def __init__(self, private: bool = False) -> None:
        self.private = private
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.pull_requests: list[PullRequest] = []
        self._commits: dict[str, Commit] = {}
        self.commit("initial commit", {".gitattributes": ATTRIBUTES})

    @property
    def head(self) -> Commit:
        """The newest commit of `main`."""
        return self._commits[self.branches["main"]]

    @property
    def commits(self) -> list[Commit]:
        """The commits of `main`, oldest first."""
        return [*self.line(self.head)][::-1]

    @property
    def pushed(self) -> list[Commit]:
        """The commits of `main` after the first."""
        return self.commits[1:]

    @property
    def files(self) -> Mapping[str, bytes]:
        """All files of the newest commit of `main`."""
        return self.head.files

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch, tag, pull request or commit id names."""
        name = self.branches.get(revision) or self.tags.get(revision) or revision
        if request := self._pull_request(revision):
            name = request.head
        return self._commits.get(name)

    def line(self, commit: Commit) -> Iterator[Commit]:
        """Give a commit and those before it, newest first."""
        before: Commit | None = commit
        while before is not None:
            yield before
            before = self._commits[before.parent] if before.parent else None

    def takes_commits(self, revision: str) -> bool:
        """Tell whether a revision is a branch or an open pull request."""
        request = self._pull_request(revision)
        return revision in self.branches or (request is not None and request.status == "open")

    def commit(
        self,
        title: str,
        added: Mapping[str, bytes],
        deleted: Iterable[str] = (),
        *,
        description: str = "",
        revision: str = "main",
    ) -> Commit:
        """Add a commit with new or changed files and without the deleted ones."""
        before = self.at(revision)
        made = self._made(before, title, added, frozenset(deleted), description)
        if request := self._pull_request(revision):
            request.head = made.id
        else:
            self.branches[revision] = made.id
        return made

    def propose(
        self,
        title: str,
        added: Mapping[str, bytes],
        deleted: Iterable[str] = (),
        *,
        description: str = "",
        revision: str = "main",
    ) -> PullRequest:
        """Open a pull request with one commit, made on a revision."""
        before = self.at(revision)
        assert before is not None
        made = self._made(before, title, added, frozenset(deleted), description)
        number = len(self.pull_requests) + 1
        self.pull_requests.append(PullRequest(number, title, description, before.id, made.id))
        return self.pull_requests[-1]

    def merge(self, number: int) -> Commit:
        """Commit what a pull request changes to `main`; raises `MergeConflict`."""
        request = self.pull_requests[number - 1]
        if conflicts := self.conflicts(request):
            raise MergeConflict(f"both sides changed {conflicts}")
        before, after = self._commits[request.base].files, self._commits[request.head].files
        changed = {path: file for path, file in after.items() if before.get(path) != file}
        gone = [path for path in before.keys() - after.keys() if path in self.files]
        made = self.commit(f"{request.title} (#{number})", changed, gone)
        request.status, request.merged_as = "merged", made.id
        return made

    def conflicts(self, request: PullRequest) -> list[str]:
        """Return the files that `main` and a pull request have both changed, and differently."""
        before, ours = self._commits[request.base].files, self.files
        theirs = self._commits[request.head].files
        paths = before.keys() | ours.keys() | theirs.keys()
        sides = {path: (before.get(path), ours.get(path), theirs.get(path)) for path in paths}
        return sorted(path for path, files in sides.items() if len(set(files)) == 3)

    def _made(
        self,
        before: Commit | None,
        title: str,
        added: Mapping[str, bytes],
        gone: frozenset[str],
        description: str,
    ) -> Commit:
        old = before.files if before else {}
        files = {path: file for path, file in old.items() if path not in gone} | dict(added)
        parent = before.id if before else None
        content = {path: git_blob(file) for path, file in sorted(files.items())}
        name = sha1(json.dumps([parent, title, description, content]).encode()).hexdigest()
        made = Commit(name, title, files, frozenset(added), gone, description, parent)
        return self._commits.setdefault(name, made)

    def _pull_request(self, revision: str) -> PullRequest | None:
        number = revision.removeprefix(_PULL_REQUEST)
        if number == revision or not number.isdigit():
            return None
        return next((item for item in self.pull_requests if item.number == int(number)), None)
