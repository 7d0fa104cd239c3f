"""A Hugging Face Hub on 127.0.0.1, for the real clients."""

from __future__ import annotations

from tests.hub.access import READER, STRANGER, WRITER
from tests.hub.clients import clients_of
from tests.hub.faults import Cut, Fault, LostAnswer, Overtaken, Slow, Stalled, Status
from tests.hub.process import HubProcess, hub_process
from tests.hub.repository import Commit, MergeConflict, PullRequest, Repository
from tests.hub.server import FakeHub
from tests.hub.thread import fake_hub, hub_of_this_process

__all__ = [
    "READER",
    "STRANGER",
    "WRITER",
    "Commit",
    "Cut",
    "FakeHub",
    "Fault",
    "HubProcess",
    "LostAnswer",
    "MergeConflict",
    "Overtaken",
    "PullRequest",
    "Repository",
    "Slow",
    "Stalled",
    "Status",
    "clients_of",
    "fake_hub",
    "hub_of_this_process",
    "hub_process",
]
