"""Files of a revision: list them, and read them whole or in part."""

from __future__ import annotations

from aiohttp import web

from tests.hub.api.entries import entries_below, file_entry, folder_entry, with_last_commit
from tests.hub.api.pages import page
from tests.hub.api.ranges import ranged
from tests.hub.api.repositories import MADE
from tests.hub.objects import is_large, object_id
from tests.hub.refusals import no_entry
from tests.hub.server import FakeHub, name_in


class Files:
    """The files of repositories."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def tree(self, request: web.Request) -> web.Response:
        repository, commit = self._hub.at(request)
        folder = request.match_info.get("path", "").strip("/")
        entries = entries_below(self._hub, commit, folder, recursive=_said(request, "recursive"))
        if folder and not entries:
            raise no_entry(folder)
        if _said(request, "expand"):
            entries = [with_last_commit(repository, commit, entry, MADE) for entry in entries]
        return page(request, entries, self._hub.page_size)

    async def paths(self, request: web.Request) -> web.Response:
        asked = await request.post()
        repository, commit = self._hub.at(request)
        entries = []
        for path in map(str, asked.getall("paths", [])):
            if path in commit.files:
                entries.append(file_entry(self._hub, path, commit.files[path]))
            elif any(name.startswith(f"{path}/") for name in commit.files):
                entries.append(folder_entry(commit.files, path))
        if str(asked.get("expand", "")).lower() == "true":
            entries = [with_last_commit(repository, commit, entry, MADE) for entry in entries]
        return web.json_response(entries)

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        _, commit = self._hub.at(request)
        path, headers = request.match_info["path"], {"X-Repo-Commit": commit.id}
        if path not in commit.files:
            raise no_entry(path, **headers)
        content = commit.files[path]
        oid = object_id(path, content)
        headers["ETag"] = f'"{oid}"'
        if not is_large(path, len(content)):
            return ranged(request, content, headers)
        headers |= {"X-Linked-Etag": f'"{oid}"', "X-Linked-Size": str(len(content))}
        if self._hub.xet and (name := self._hub.storage.xet.name(oid)):
            route = f"/api/datasets/{name_in(request)}/xet-read-token/{commit.id}"
            headers |= {"X-Xet-Hash": name}
            headers["Link"] = f'<{self._hub.url}{route}>; rel="xet-auth"'
        if not self._hub.redirects:
            return ranged(request, content, headers)
        self._hub.storage.keep(oid, content)
        headers["Location"] = f"http://localhost:{self._hub.port}/storage/{oid}"
        return web.Response(status=302, headers=headers)

    async def download(self, request: web.Request) -> web.Response:
        oid = request.match_info["oid"]
        content = self._hub.storage.content(oid)
        if content is None:
            raise no_entry(oid)
        return ranged(request, content, {"ETag": f'"{oid}"'})


def _said(request: web.Request, switch: str) -> bool:
    return request.query.get(switch, "").lower() == "true"
