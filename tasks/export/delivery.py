"""Whether steps that send rows out may do so now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_HELD_BACK: ContextVar[bool] = ContextVar("held_back", default=False)


@contextmanager
def nothing_delivered() -> Iterator[None]:
    """Let steps inside the block pass their rows on and send nothing out, as a preview wants."""
    token = _HELD_BACK.set(True)
    try:
        yield
    finally:
        _HELD_BACK.reset(token)


def held_back() -> bool:
    """Tell whether nothing may be sent out now."""
    return _HELD_BACK.get()
