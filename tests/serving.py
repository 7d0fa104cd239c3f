"""A server in a thread of the test process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol, TypeVar


class Stoppable(Protocol):
    """A server that can be told to end."""

    async def cleanup(self) -> None:
        """Stop listening and end what is served."""


Runner = TypeVar("Runner", bound=Stoppable)


@contextmanager
def serving(
    name: str, make: Callable[[], Runner], listen: Callable[[Runner], Awaitable[None]]
) -> Iterator[None]:
    """Serve while the block runs; `make` and `listen` are called on the thread's event loop."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        runner = make()
        stop = asyncio.Event()
        try:
            await listen(runner)
            started.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise
        finally:
            await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name=name)
    thread.start()
    loop, stop = started.result()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
