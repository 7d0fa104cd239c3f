"""Pull requests: list, look at and merge them; other discussions there are none."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.hub.api.repositories import MADE
from tests.hub.refusals import no_entry, refusal
from tests.hub.repository import MergeConflict, PullRequest, Repository
from tests.hub.server import FakeHub, name_in


class PullRequests:
    """The discussions of a repository."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def discussions(self, request: web.Request) -> web.Response:
        repository, wanted = self._hub.repository(request), request.query.get("status", "all")
        if request.query.get("type") == "discussion":
            wanted = "none"
        found = [
            _described(request, item)
            for item in repository.pull_requests[::-1]
            if wanted in ("all", item.status)
        ]
        start = int(request.query.get("p", 0)) * self._hub.page_size
        shown = found[start : start + self._hub.page_size]
        return web.json_response({"discussions": shown, "count": len(found), "start": start})

    async def discussion(self, request: web.Request) -> web.Response:
        repository, asked = self._found(request)
        changes = {"base": "refs/heads/main", "mergeCommitId": asked.merged_as}
        conflicts = repository.conflicts(asked) if asked.status == "open" else []
        details = {"events": [], "changes": changes, "filesWithConflicts": conflicts}
        return web.json_response({**_described(request, asked), **details})

    async def merge(self, request: web.Request) -> web.Response:
        repository, asked = self._found(request)
        if asked.status != "open":
            raise refusal(web.HTTPBadRequest, "This pull request is not open")
        try:
            repository.merge(asked.number)
        except MergeConflict as error:
            raise refusal(web.HTTPConflict, str(error)) from error
        return web.json_response({})

    def _found(self, request: web.Request) -> tuple[Repository, PullRequest]:
        repository, number = self._hub.repository(request), int(request.match_info["number"])
        found = next((item for item in repository.pull_requests if item.number == number), None)
        if found is None:
            raise no_entry(f"Discussion {number}")
        return repository, found


def _described(request: web.Request, asked: PullRequest) -> dict[str, Any]:
    return {
        "num": asked.number,
        "title": asked.title,
        "author": {"name": "maker"},
        "createdAt": MADE,
        "status": asked.status,
        "repo": {"name": name_in(request), "type": "dataset"},
        "isPullRequest": True,
    }
