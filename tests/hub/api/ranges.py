"""Bytes of a file, all or some of them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web


def ranged(request: web.Request, content: bytes, headers: Mapping[str, str]) -> web.Response:
    """Return the bytes that a request's Range header asks for."""
    told = {**headers, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    asked, size = request.http_range, len(content)
    if asked.start is None and asked.stop is None:
        return web.Response(body=content, headers=told)
    start, stop, _ = asked.indices(size)
    if start >= stop:
        told["Content-Range"] = f"bytes */{size}"
        return web.Response(status=416, headers=told)
    told["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return web.Response(status=206, body=content[start:stop], headers=told)
