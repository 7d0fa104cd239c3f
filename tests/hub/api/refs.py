"""Branches and tags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import web

from tests.hub.refusals import no_revision, refusal
from tests.hub.server import FakeHub

_NAME = re.compile(r"[\w.][\w./-]*")


class Refs:
    """Names that point at commits."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def refs(self, request: web.Request) -> web.Response:
        repository = self._hub.repository(request)
        answer = {
            "branches": _listed("refs/heads/", repository.branches),
            "converts": [],
            "tags": _listed("refs/tags/", repository.tags),
        }
        if "include_prs" in request.query:
            heads = {str(item.number): item.head for item in repository.pull_requests}
            answer["pullRequests"] = _listed("refs/pr/", heads)
        return web.json_response(answer)

    async def branch(self, request: web.Request) -> web.Response:
        asked = await request.json()
        repository, name = self._hub.repository(request), _checked(request.match_info["branch"])
        start = asked.get("startingPoint", "main")
        commit = repository.at(start)
        if commit is None:
            raise no_revision(start)
        if name in repository.branches and not asked.get("overwrite"):
            raise refusal(web.HTTPConflict, f"Reference refs/heads/{name} already exists")
        repository.branches[name] = commit.id
        return web.json_response({})

    async def delete_branch(self, request: web.Request) -> web.Response:
        repository, name = self._hub.repository(request), request.match_info["branch"]
        if name == "main":
            raise refusal(web.HTTPForbidden, "The branch main cannot be deleted")
        if repository.branches.pop(name, None) is None:
            raise no_revision(name)
        return web.Response()

    async def tag(self, request: web.Request) -> web.Response:
        name = _checked((await request.json())["tag"])
        repository, commit = self._hub.at(request)
        if name in repository.tags:
            raise refusal(web.HTTPConflict, f"Tag {name} already exists")
        repository.tags[name] = commit.id
        return web.json_response({})

    async def delete_tag(self, request: web.Request) -> web.Response:
        repository, name = self._hub.repository(request), request.match_info["revision"]
        if repository.tags.pop(name, None) is None:
            raise no_revision(name)
        return web.Response()


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".", "/", ".lock")):
        raise refusal(web.HTTPBadRequest, f"{name} is no name for a branch or tag")
    return name


def _listed(prefix: str, names: Mapping[str, str]) -> list[dict[str, str]]:
    return [
        {"name": name, "ref": prefix + name, "targetCommit": commit}
        for name, commit in names.items()
    ]
