"""The provider in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.loopback.faults import FaultPlan
from tests.loopback.provider import LoopbackProvider, Reply, default_reply
from tests.serving import serving


@contextmanager
def loopback_provider(
    *,
    reply: Reply = default_reply,
    latency: float = 0.0,
    fault: FaultPlan | None = None,
    keep_bodies: bool = True,
) -> Iterator[LoopbackProvider]:
    """Serve a provider on a free port while the block runs.

    `reply` turns a request body into the answer's text, `latency` is seconds for each answer,
    `fault` says which requests fail and how.
    """
    provider = LoopbackProvider(reply=reply, latency=latency, fault=fault, keep_bodies=keep_bodies)
    with serving("loopback-provider", provider.runner, provider.listen):
        yield provider
