"""Users and repositories: make, look at, hide and delete them."""

from __future__ import annotations

from typing import Any

import yaml
from aiohttp import web

from tests.hub.access import user_of
from tests.hub.api.entries import file_entry
from tests.hub.card import metadata_in
from tests.hub.refusals import no_repository, no_rights
from tests.hub.repository import Commit, Repository
from tests.hub.server import FakeHub, name_in

MADE = "2026-01-01T00:00:00.000Z"


class Repositories:
    """The Hub's list of repositories."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def whoami(self, request: web.Request) -> web.Response:
        user = user_of(request)
        assert user is not None
        token = {"displayName": "test", "role": user.role}
        auth = {"type": "access_token", "accessToken": token}
        return web.json_response({"type": "user", "name": user.name, "orgs": [], "auth": auth})

    async def create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        name = _full_name(request, asked)
        address = {"url": f"{self._hub.url}/datasets/{name}"}
        if name in self._hub.repositories:
            return web.json_response({**address, "error": "You already created it"}, status=409)
        private = asked.get("visibility") == "private"
        self._hub.repositories[name] = Repository(private=private)
        return web.json_response(address)

    async def delete(self, request: web.Request) -> web.Response:
        name = _full_name(request, await request.json())
        if self._hub.repositories.pop(name, None) is None:
            raise no_repository()
        return web.Response()

    async def settings(self, request: web.Request) -> web.Response:
        asked = await request.json()
        repository = self._hub.repository(request)
        if "visibility" in asked:
            repository.private = asked["visibility"] == "private"
        return web.json_response({"private": repository.private})

    async def info(self, request: web.Request) -> web.Response:
        repository, commit = self._hub.at(request)
        described = {
            "id": name_in(request),
            "author": request.match_info["owner"],
            "sha": commit.id,
            "private": repository.private,
            "gated": False,
            "disabled": False,
            "createdAt": MADE,
            "lastModified": MADE,
            "downloads": 0,
            "likes": 0,
            "siblings": self._siblings(commit, sizes="blobs" in request.query),
        }
        card = commit.files.get("README.md", b"").decode()
        if metadata := metadata_in(card):
            described["cardData"] = yaml.safe_load(metadata)
        return web.json_response(described)

    def _siblings(self, commit: Commit, *, sizes: bool) -> list[dict[str, Any]]:
        if not sizes:
            return [{"rfilename": path} for path in commit.files]
        siblings = []
        for path, content in commit.files.items():
            entry = file_entry(self._hub, path, content)
            sibling = {"rfilename": path, "size": entry["size"], "blobId": entry["oid"]}
            if large := entry.get("lfs"):
                sibling["lfs"] = {**large, "sha256": large["oid"]}
            siblings.append(sibling)
        return siblings


def _full_name(request: web.Request, asked: dict[str, Any]) -> str:
    user = user_of(request)
    assert user is not None
    owner = asked.get("organization") or user.name
    if not user.at_home(owner):
        raise no_rights()
    return f"{owner}/{asked['name']}"
