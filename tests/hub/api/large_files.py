"""Uploads of large files by LFS, whole or in parts."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.hub.refusals import refusal
from tests.hub.server import FakeHub


class LargeFiles:
    """The LFS server of the Hub, and the storage that it sends its clients to."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def batch(self, request: web.Request) -> web.Response:
        objects = (await request.json())["objects"]
        for item in objects:
            if self._hub.storage.content(item["oid"]) is None:
                verify = str(request.url).removesuffix("/objects/batch") + "/verify"
                upload = self._upload(item["oid"], item["size"])
                item["actions"] = {"upload": upload, "verify": {"href": verify}}
        answer = {"transfer": "basic", "objects": objects}
        return web.json_response(answer, content_type="application/vnd.git-lfs+json")

    def _upload(self, oid: str, size: int) -> dict[str, Any]:
        address, longest = f"{self._hub.url}/storage/{oid}", self._hub.part_bytes
        if longest is None or size <= longest:
            return {"href": address}
        parts = range(1, -(-size // longest) + 1)
        addresses = {f"{number:05}": f"{address}/parts/{number}" for number in parts}
        return {"href": address, "header": {"chunk_size": str(longest), **addresses}}

    async def upload(self, request: web.Request) -> web.Response:
        if not self._hub.storage.keep(request.match_info["oid"], await self._received(request)):
            raise refusal(web.HTTPBadRequest, "The content has another SHA-256")
        return web.Response()

    async def part(self, request: web.Request) -> web.Response:
        oid, number = request.match_info["oid"], int(request.match_info["number"])
        tag = self._hub.storage.keep_part(oid, number, await self._received(request))
        return web.Response(headers={"ETag": tag})

    async def complete(self, request: web.Request) -> web.Response:
        parts = (await request.json())["parts"]
        if not self._hub.storage.join(request.match_info["oid"], [item["etag"] for item in parts]):
            raise refusal(web.HTTPBadRequest, "The parts do not make the file")
        return web.json_response({})

    async def verify(self, request: web.Request) -> web.Response:
        asked = await request.json()
        content = self._hub.storage.content(asked["oid"])
        if content is None or len(content) != asked["size"]:
            raise refusal(web.HTTPNotFound, "The large file has not been uploaded")
        return web.json_response({})

    async def _received(self, request: web.Request) -> bytes:
        content = await request.read()
        self._hub.storage.received += len(content)
        return content
