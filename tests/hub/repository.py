"""A repository in memory: a line of commits, each with all its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1, sha256

from llms.digest import digest


@dataclass(frozen=True, slots=True)
class Commit:
    """`files` are all files after the commit, `added` and `deleted` the ones it touched."""

    id: str
    title: str
    files: Mapping[str, bytes]
    added: frozenset[str]
    deleted: frozenset[str]


@dataclass(slots=True)
class Repository:
    """Begins with the commit that the Hub makes of its own accord."""

    private: bool = False
    commits: list[Commit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.commit("initial commit", {".gitattributes": b"*.parquet filter=lfs\n"})

    @property
    def head(self) -> Commit:
        """The newest commit."""
        return self.commits[-1]

    @property
    def pushed(self) -> list[Commit]:
        """The commits after the first."""
        return self.commits[1:]

    @property
    def files(self) -> Mapping[str, bytes]:
        """All files of the newest commit."""
        return self.head.files

    def commit(self, title: str, added: Mapping[str, bytes], deleted: Iterable[str] = ()) -> Commit:
        """Add a commit with new or changed files and without the deleted ones."""
        gone = frozenset(deleted)
        before = self.head.files if self.commits else {}
        kept = {path: content for path, content in before.items() if path not in gone}
        files = {**kept, **added}
        content = {path: git_blob(file) for path, file in files.items()}
        name = sha1(digest([len(self.commits), title, content]).encode()).hexdigest()
        self.commits.append(Commit(name, title, files, frozenset(added), gone))
        return self.head

    def at(self, revision: str) -> Commit | None:
        """Return the commit that a branch or commit id names."""
        if revision == "main":
            return self.head
        return next((commit for commit in self.commits if commit.id == revision), None)


def is_large(path: str) -> bool:
    """Tell whether the Hub stores a file outside git, by LFS."""
    return path.endswith(".parquet")


def object_id(path: str, content: bytes) -> str:
    """Return the id by which clients see that a file has not changed."""
    return sha256(content).hexdigest() if is_large(path) else git_blob(content)


def git_blob(content: bytes) -> str:
    """Return the id that git gives a file."""
    return sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()
