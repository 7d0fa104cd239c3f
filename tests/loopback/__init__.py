"""A model provider on 127.0.0.1, in a thread of the test or in a process of its own."""

from __future__ import annotations

from tests.loopback.chat import default_reply, fixed_reply
from tests.loopback.embeddings import text_vector
from tests.loopback.faults import (
    EMPTY_CHOICES,
    MALFORMED,
    Body,
    Fault,
    FaultPlan,
    Hang,
    Reset,
    Status,
    Truncated,
    mixed_faults,
)
from tests.loopback.limits import Limits
from tests.loopback.process import LoopbackProcess, loopback_process
from tests.loopback.provider import LoopbackProvider
from tests.loopback.stats import Stats
from tests.loopback.thread import loopback_provider

__all__ = [
    "EMPTY_CHOICES",
    "MALFORMED",
    "Body",
    "Fault",
    "FaultPlan",
    "Hang",
    "Limits",
    "LoopbackProcess",
    "LoopbackProvider",
    "Reset",
    "Stats",
    "Status",
    "Truncated",
    "default_reply",
    "fixed_reply",
    "loopback_process",
    "loopback_provider",
    "mixed_faults",
    "text_vector",
]
