"""An Argilla server on 127.0.0.1, for the real client."""

from __future__ import annotations

from tests.argilla.server import KEY, FakeArgilla
from tests.argilla.thread import fake_argilla

__all__ = ["KEY", "FakeArgilla", "fake_argilla"]
