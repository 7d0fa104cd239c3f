"""Long lists, some of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web


def page(request: web.Request, items: Sequence[Any], size: int) -> web.Response:
    """Return the page that a request asks for, with a link to the next one."""
    number = int(request.query.get("p", 0))
    response = web.json_response(items[number * size : (number + 1) * size])
    if len(items) > (number + 1) * size:
        address = request.url.update_query(p=str(number + 1))
        response.headers["Link"] = f'<{address}>; rel="next"'
    return response
