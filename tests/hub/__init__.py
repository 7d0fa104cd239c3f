"""A Hugging Face Hub on 127.0.0.1, for the real clients."""

from __future__ import annotations

from tests.hub.repository import Commit, Repository
from tests.hub.server import READER, WRITER, FakeHub, LostAnswer, Overtaken, Status
from tests.hub.thread import fake_hub, hub_of_this_process

__all__ = [
    "READER",
    "WRITER",
    "Commit",
    "FakeHub",
    "LostAnswer",
    "Overtaken",
    "Repository",
    "Status",
    "fake_hub",
    "hub_of_this_process",
]
