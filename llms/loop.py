"""The one event loop of the process: a thread of its own, which owns all clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

_THREAD = "model-loop"
_starting = threading.Lock()


def model_loop() -> asyncio.AbstractEventLoop:
    """Return the loop, started at first use."""
    with _starting:
        return _started_loop()


@lru_cache(maxsize=1)
def _started_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=_THREAD, daemon=True).start()
    return loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop and wait for it; cancel it when the wait is interrupted."""
    if threading.current_thread().name == _THREAD:
        coroutine.close()
        raise RuntimeError("code that already runs on the model loop must await, not wait")
    future: Future[T] = asyncio.run_coroutine_threadsafe(coroutine, model_loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
