"""For the test that runs the Hub in another process: its state, and faults to come."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from tests.hub.faults import fault_from
from tests.hub.objects import object_id
from tests.hub.repository import Commit, Repository
from tests.hub.server import FakeHub


class Control:
    """The Hub from outside."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def state(self, request: web.Request) -> web.Response:
        repositories = {name: _told(item) for name, item in self._hub.repositories.items()}
        return web.json_response(
            {
                "calls": self._hub.calls,
                "uploaded_bytes": self._hub.uploaded_bytes,
                "repositories": repositories,
            }
        )

    async def fail(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self._hub.fail(asked["action"], *map(fault_from, asked["faults"]))
        return web.Response()


def _told(repository: Repository) -> dict[str, Any]:
    return {
        "private": repository.private,
        "branches": repository.branches,
        "tags": repository.tags,
        "pull_requests": [asdict(request) for request in repository.pull_requests],
        "commits": [_told_commit(commit) for commit in repository.commits],
        "files": {path: object_id(path, file) for path, file in repository.files.items()},
    }


def _told_commit(commit: Commit) -> dict[str, Any]:
    touched = {"added": sorted(commit.added), "deleted": sorted(commit.deleted)}
    return {"id": commit.id, "title": commit.title, **touched}
