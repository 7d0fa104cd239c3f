"""`Dialect`: how a service words its requests, its answers and its errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.loopback.faults import Status

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Turns a request into the request that OpenAI would get, and its answer back.

    An answer that is not JSON is written as bytes. `read` raises LookupError, TypeError or
    ValueError for what is not a request of the service.
    """

    read: Callable[[Body], Body]
    write: Callable[[Body], Body | bytes]
    error: Callable[[Status], Body]

    def error_body(self, status: Status) -> bytes:
        """Return an error in the service's shape."""
        return json.dumps(self.error(status)).encode()


def without_nothing(body: Body) -> Body:
    """Return the body without the values that are None."""
    return {name: value for name, value in body.items() if value is not None}
