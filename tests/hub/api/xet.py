"""Uploads and downloads of large files by Xet: blocks of chunks, and lists of what is in them."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tests.hub.access import STORE, STORE_READER, STORE_WRITER
from tests.hub.api.ranges import ranged
from tests.hub.refusals import no_entry, refusal
from tests.hub.server import FakeHub
from tests.hub.xet.shard import Segment

_NEVER = 4_102_444_800


class Xet:
    """The tokens for the store, and the store."""

    def __init__(self, hub: FakeHub) -> None:
        self._hub = hub

    async def read_token(self, request: web.Request) -> web.Response:
        return self._token(request, STORE_READER)

    async def write_token(self, request: web.Request) -> web.Response:
        return self._token(request, STORE_WRITER)

    def _token(self, request: web.Request, token: str) -> web.Response:
        self._hub.repository(request)
        if not self._hub.xet:
            raise refusal(web.HTTPNotFound, "This Hub has no Xet")
        address = self._hub.url + STORE
        headers = {
            "X-Xet-Cas-Url": address,
            "X-Xet-Access-Token": token,
            "X-Xet-Token-Expiration": str(_NEVER),
        }
        told = {"casUrl": address, "accessToken": token, "exp": _NEVER}
        return web.json_response(told, headers=headers)

    async def known_chunk(self, request: web.Request) -> web.Response:
        shard = self._hub.storage.xet.shard_with(request.match_info["chunk"])
        if shard is None:
            raise no_entry("chunk")
        return web.Response(body=shard)

    async def xorb(self, request: web.Request) -> web.Response:
        data = await request.read()
        new = self._hub.storage.xet.keep_xorb(request.match_info["xorb"], data)
        return web.json_response({"was_inserted": new})

    async def shard(self, request: web.Request) -> web.Response:
        if not self._hub.storage.xet.keep_shard(await request.read()):
            raise refusal(web.HTTPBadRequest, "The blocks of a file have not been uploaded")
        return web.json_response({"result": 1})

    async def reconstruction(self, request: web.Request) -> web.Response:
        """Tell which blocks to fetch for a range of a file, and which of their bytes."""
        file = self._hub.storage.xet.files.get(request.match_info["file"])
        if file is None:
            raise no_entry("file")
        first, last, _ = request.http_range.indices(file.size)
        if first >= last:
            raise web.HTTPRequestRangeNotSatisfiable
        wanted: list[Segment] = []
        begins = skipped = 0
        for segment in file.segments:
            if begins < last and begins + segment.size > first:
                skipped = skipped if wanted else first - begins
                wanted.append(segment)
            begins += segment.size
        fetched: dict[str, list[dict[str, Any]]] = {}
        for segment in wanted:
            fetched.setdefault(segment.xorb, []).append(self._fetched(segment))
        terms = [
            {"hash": part.xorb, "unpacked_length": part.size, "range": _chunks(part)}
            for part in wanted
        ]
        answer = {"offset_into_first_range": skipped, "terms": terms, "fetch_info": fetched}
        return web.json_response(answer)

    def _fetched(self, segment: Segment) -> dict[str, Any]:
        start, end = self._hub.storage.xet.xorbs[segment.xorb].place(segment.start, segment.end)
        return {
            "range": _chunks(segment),
            "url": f"{self._hub.url}/storage/xorbs/{segment.xorb}",
            "url_range": {"start": start, "end": end - 1},
        }

    async def fetch(self, request: web.Request) -> web.Response:
        xorb = self._hub.storage.xet.xorbs.get(request.match_info["xorb"])
        if xorb is None:
            raise no_entry("xorb")
        return ranged(request, xorb.data, {})


def _chunks(segment: Segment) -> dict[str, int]:
    return {"start": segment.start, "end": segment.end}
