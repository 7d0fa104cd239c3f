"""Flow runs that wait for an answer, on every Prefect server that can be found from here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Crashed

from flows.refresh.waiting_notes import Note, notes
from flows.runtime.server import ServerError, is_healthy, running_server
from llms.errors import StillhouseError

_MOST_RUNS = 200
_SHORTEST_ID = 4
_GONE = "The process of the run ended while it waited for an answer."


class NothingToApprove(StillhouseError):
    """The run that was named does not wait for an answer."""


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run of a flow that waits: `question` is what it asks, `since` when it began to wait."""

    id: UUID
    name: str
    flow: str
    question: str
    since: datetime | None
    api_url: str


def waiting_runs() -> list[WaitingRun]:
    """Return the runs that wait for an answer, the longest-waiting first.

    A run whose process has ended waits for nothing: it is marked as crashed.

    Raises:
        ServerError: no Prefect server can be found.
    """
    known = notes()
    found = [run for url in _servers() for run in _waiting_on(url)]
    waiting = [run for run in found if not _is_gone(run, known.get(str(run.id)))]
    return sorted(waiting, key=lambda run: str(run.since))


def answer(named: str, *, approve: bool, note: str = "") -> WaitingRun:
    """Answer a waiting run, named by its name, its id or the beginning of its id.

    Raises:
        NothingToApprove: there is no such run, it does not wait, or several may be meant.
        ServerError: no Prefect server can be found.
    """
    meant = [run for run in waiting_runs() if _is_named(run, named)]
    if not meant:
        raise NothingToApprove(_why_not(named))
    if len(meant) > 1:
        listed = ", ".join(f"{run.name} ({run.id})" for run in meant)
        raise NothingToApprove(f"{named!r} may mean {listed}; give more of the id.")
    (run,) = meant
    with _client(run.api_url) as client:
        reply = client.resume_flow_run(run.id, run_input={"approve": approve, "note": note})
    if reply.state is None or not reply.state.is_running():
        raise NothingToApprove(f"Run {run.name!r} does not wait for an answer any more.")
    return run


def _is_named(run: WaitingRun, named: str) -> bool:
    begins = len(named) >= _SHORTEST_ID and str(run.id).startswith(named.lower())
    return begins or named == run.name


def _is_gone(run: WaitingRun, note: Note | None) -> bool:
    if note is None or not note.is_stale:
        return False
    with _client(run.api_url) as client:
        client.set_flow_run_state(run.id, Crashed(message=_GONE))
    note.remove()
    return True


def _servers() -> list[str]:
    """Return the servers that answer: the one in the settings, the local one, passing ones."""
    named = PREFECT_API_URL.value()
    local = None if named else running_server()
    urls = [named, local and local.api_url, *(note.api_url for note in notes().values())]
    found = [url for url in dict.fromkeys(urls) if url and is_healthy(url)]
    if not found:
        where = f"The Prefect server {named} does not answer" if named else "No run waits here"
        raise ServerError(
            f"{where}; go to the folder of the run, or name its server in PREFECT_API_URL."
        )
    return found


@contextmanager
def _client(api_url: str) -> Iterator[SyncPrefectClient]:
    with temporary_settings({PREFECT_API_URL: api_url}), get_client(sync_client=True) as client:
        yield client


def _waiting_on(api_url: str) -> Iterator[WaitingRun]:
    paused = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED]))
    with _client(api_url) as client:
        for run in client.read_flow_runs(
            flow_run_filter=FlowRunFilter(state=paused), limit=_MOST_RUNS
        ):
            if question := _question(client, run):
                since = run.state.timestamp if run.state else None
                flow = client.read_flow(run.flow_id).name
                yield WaitingRun(run.id, run.name, flow, question, since, api_url)


def _question(client: SyncPrefectClient, run: FlowRun) -> str | None:
    """Return what a paused run asks; None if it is paused for another reason."""
    keyset = run.state.state_details.run_input_keyset if run.state else None
    if not keyset:
        return None
    try:
        schema = json.loads(client.read_flow_run_input(run.id, keyset["schema"]))
        page = str(json.loads(client.read_flow_run_input(run.id, keyset["description"])))
    except (httpx.HTTPStatusError, ValueError):
        return None
    asks = "approve" in schema.get("properties", {})
    return page.splitlines()[0].removeprefix("### ") if asks else None


def _why_not(named: str) -> str:
    for url in _servers():
        for run in _runs_named(url, named):
            state = run.state.name if run.state else "unknown"
            return f"Run {run.name!r} does not wait for an answer: it is {state}."
    return f"There is no run {named!r}; `stillhouse approve` lists the runs that wait."


def _runs_named(api_url: str, named: str) -> list[FlowRun]:
    try:
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(named)]))
    except ValueError:
        chosen = FlowRunFilter(name=FlowRunFilterName(any_=[named]))
    with _client(api_url) as client:
        return client.read_flow_runs(flow_run_filter=chosen, limit=1)
