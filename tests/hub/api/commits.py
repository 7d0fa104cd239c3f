"""Commits: what is about to be uploaded, what is committed, and what has been."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from aiohttp import web

from tests.hub.api.pages import page
from tests.hub.api.repositories import MADE
from tests.hub.card import errors_in, metadata_in
from tests.hub.objects import is_large, object_id
from tests.hub.refusals import no_entry, no_revision, refusal
from tests.hub.repository import Commit, Repository
from tests.hub.server import FakeHub, name_in

Lines = defaultdict[str, list[dict[str, Any]]]


class Commits:
    """Changes of repositories."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def validate(self, request: web.Request) -> web.Response:
        card = (await request.json())["content"]
        errors = [{"message": error} for error in errors_in(card)]
        empty = {"message": "empty or missing yaml metadata in repo card"}
        warnings = [] if metadata_in(card).strip() else [empty]
        answer = {"errors": errors, "warnings": warnings}
        return web.json_response(answer, status=400 if errors else 200)

    async def preupload(self, request: web.Request) -> web.Response:
        asked = await request.json()
        _, commit = self._hub.at(request)
        answers = []
        for file in asked["files"]:
            path = file["path"]
            mode = "lfs" if is_large(path, file["size"]) else "regular"
            answer = {"path": path, "uploadMode": mode, "shouldIgnore": False}
            if path in commit.files:
                answer["oid"] = object_id(path, commit.files[path])
            answers.append(answer)
        return web.json_response({"files": answers})

    async def commit(self, request: web.Request) -> web.Response:
        lines: Lines = defaultdict(list)
        for line in map(json.loads, (await request.text()).splitlines()):
            lines[line["key"]].append(line["value"])
        (header,) = lines["header"]
        revision = request.match_info["revision"]
        repository, head = self._hub.at(request)
        proposed = "create_pr" in request.query
        if not proposed and not repository.takes_commits(revision):
            raise no_revision(revision)
        if header.get("parentCommit", head.id) != head.id:
            raise refusal(web.HTTPPreconditionFailed, "A commit has happened since")
        added, deleted = self._added(lines, repository), _deleted(lines, head.files.keys())
        made = {"title": header["summary"], "added": added, "deleted": deleted}
        made |= {"description": header.get("description", ""), "revision": revision}
        if not proposed:
            return web.json_response(self._told(request, repository.commit(**made)))
        opened = repository.propose(**made)
        commit = repository.at(opened.head)
        assert commit is not None
        address = f"{self._hub.url}/datasets/{name_in(request)}/discussions/{opened.number}"
        return web.json_response({**self._told(request, commit), "pullRequestUrl": address})

    async def history(self, request: web.Request) -> web.Response:
        repository, head = self._hub.at(request)
        commits = [
            {
                "id": commit.id,
                "title": commit.title,
                "message": commit.description,
                "authors": [{"user": "maker"}],
                "date": MADE,
            }
            for commit in repository.line(head)
        ]
        return page(request, commits, self._hub.page_size)

    def _added(self, lines: Lines, repository: Repository) -> dict[str, bytes]:
        added = {file["path"]: base64.b64decode(file["content"]) for file in lines["file"]}
        for file in lines["lfsFile"]:
            content = self._hub.storage.content(file["oid"])
            if content is None:
                message = f"The large file of {file['path']} has not been uploaded"
                raise refusal(web.HTTPBadRequest, message)
            added[file["path"]] = content
        if errors := errors_in(added.get("README.md", b"").decode()):
            raise refusal(web.HTTPBadRequest, f"Invalid metadata in README.md: {errors[0]}")
        return added

    def _told(self, request: web.Request, commit: Commit) -> dict[str, str]:
        address = f"{self._hub.url}/datasets/{name_in(request)}/commit/{commit.id}"
        return {"commitOid": commit.id, "commitUrl": address}


def _deleted(lines: Lines, paths: Collection[str]) -> list[str]:
    """Return the files that go; raises the Hub's error for one that is not there."""
    deleted = [file["path"] for file in lines["deletedFile"]]
    if missing := set(deleted) - set(paths):
        raise refusal(
            web.HTTPNotFound, f"A file with this name doesn't exist: {missing}", "EntryNotFound"
        )
    for folder in lines["deletedFolder"]:
        below = [path for path in paths if path.startswith(folder["path"].rstrip("/") + "/")]
        if not below:
            raise no_entry(folder["path"])
        deleted += below
    return deleted
