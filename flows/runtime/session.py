"""The Prefect API for a run: the user's server, the one of `stillhouse ui`, or a passing one."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import disk_usage

import httpx
from prefect.client.orchestration import get_client
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker, PrefectConsoleHandler
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.runtime.server import ServerError, is_healthy, local_server, running_server
from llms.home import home

_DRAIN_SECONDS = 15.0
_POLL_SECONDS = 0.4
_QUIET_POLLS = 4
_ALMOST_NOTHING = 1_000_000
_FINISHED = {"state": {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}}


@contextmanager
def prefect_session() -> Iterator[None]:
    """Make flow runs inside the block find a Prefect server.

    Raises:
        ServerError: the server named by `PREFECT_API_URL` does not answer, or none could start.
    """
    if url := PREFECT_API_URL.value():
        if not is_healthy(url):
            raise ServerError(
                f"The Prefect server {url} does not answer; start it, or unset PREFECT_API_URL to "
                f"record the run on this machine."
            )
        with _translated_failures():
            yield
    elif server := running_server():
        with temporary_settings({PREFECT_API_URL: server.api_url}), _translated_failures():
            yield
    else:
        with (
            local_server() as own,
            temporary_settings({PREFECT_API_URL: own.api_url}),
            _translated_failures(),
        ):
            try:
                yield
            finally:
                _let_records_arrive()


@contextmanager
def _translated_failures() -> Iterator[None]:
    """Turn failures of the Prefect server into one sentence."""
    try:
        yield
    except httpx.HTTPError as error:
        full = disk_usage(home().parent).free < _ALMOST_NOTHING
        reason = "the disk is full" if full else str(error).splitlines()[0]
        raise ServerError(
            f"The Prefect server stopped recording the run: {reason}. What is finished is kept; "
            f"mend it and run again."
        ) from error


@contextmanager
def quiet_console() -> Iterator[None]:
    """Keep Prefect's own log lines off the terminal; the API still gets them."""
    handlers = [
        handler
        for logger in (logging.getLogger(), logging.getLogger("prefect"))
        for handler in logger.handlers
        if isinstance(handler, PrefectConsoleHandler)
    ]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)


def _let_records_arrive() -> None:
    """Send what is still queued here, and wait until the server has recorded it."""
    APILogWorker.drain_all()
    EventsWorker.drain_all()
    deadline = time.monotonic() + _DRAIN_SECONDS
    seen, same = -1, 0
    with suppress(httpx.HTTPError), get_client(sync_client=True) as client:
        while same < _QUIET_POLLS and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            reply = client.request("POST", "/task_runs/count", json={"task_runs": _FINISHED})
            same = same + 1 if reply.json() == seen else 0
            seen = reply.json()
