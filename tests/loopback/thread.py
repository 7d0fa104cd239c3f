"""The provider in a thread of the test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Unpack

from tests.loopback.provider import LoopbackProvider
from tests.loopback.switches import Switches
from tests.serving import serving


@contextmanager
def loopback_provider(**switches: Unpack[Switches]) -> Iterator[LoopbackProvider]:
    """Serve a provider on a free port while the block runs, with the switches of `Switches`."""
    provider = LoopbackProvider(**switches)
    with serving("loopback-provider", provider.runner, provider.listen):
        yield provider
