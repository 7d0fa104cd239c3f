"""Files and folders as the Hub lists them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha1
from typing import Any

from tests.hub.objects import git_blob, is_large, object_id, pointer
from tests.hub.repository import Commit, Repository
from tests.hub.server import FakeHub

Entry = dict[str, Any]


def entries_below(hub: FakeHub, commit: Commit, folder: str, *, recursive: bool) -> list[Entry]:
    """Return what is in a folder, by path; empty if there is no such folder."""
    root = f"{folder}/" if folder else ""
    entries: dict[str, Entry] = {}
    for path, content in sorted(commit.files.items()):
        if not path.startswith(root):
            continue
        *folders, _ = path.removeprefix(root).split("/")
        for depth in range(1, len(folders) + 1 if recursive else min(len(folders), 1) + 1):
            inner = root + "/".join(folders[:depth])
            entries.setdefault(inner, folder_entry(commit.files, inner))
        if recursive or not folders:
            entries[path] = file_entry(hub, path, content)
    return list(entries.values())


def file_entry(hub: FakeHub, path: str, content: bytes) -> Entry:
    """Return a file's size and names; a large one has those of its pointer in git too."""
    size = len(content)
    entry: Entry = {"type": "file", "path": path, "size": size}
    if not is_large(path, size):
        return {**entry, "oid": git_blob(content)}
    oid, inside = object_id(path, content), pointer(content)
    entry |= {"oid": git_blob(inside)}
    entry["lfs"] = {"oid": oid, "size": size, "pointerSize": len(inside)}
    if hub.xet and (name := hub.storage.xet.name(oid)):
        entry["xetHash"] = name
    return entry


def folder_entry(files: Mapping[str, bytes], folder: str) -> Entry:
    """Return a folder's entry, named by the paths below it."""
    below = "\n".join(sorted(path for path in files if path.startswith(f"{folder}/")))
    return {"type": "directory", "path": folder, "size": 0, "oid": sha1(below.encode()).hexdigest()}


def with_last_commit(repository: Repository, commit: Commit, entry: Entry, made: str) -> Entry:
    """Return an entry with the newest commit that touched it."""
    path = entry["path"]
    last = next(
        item
        for item in repository.line(commit)
        if any(f"{touched}/".startswith(f"{path}/") for touched in item.added | item.deleted)
    )
    return {**entry, "lastCommit": {"id": last.id, "title": last.title, "date": made}}
