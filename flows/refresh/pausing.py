"""A flow run that waits for a person's answer.

It pauses and keeps its process, and so what was shown is what is approved. A suspended run would
give the process back and begin again in another: with another plan if the source has changed by
then, and, where the store was in a container that is gone, with everything to be paid again.

Prefect's own `pause_flow_run` goes on waiting for a run that was cancelled, fails when the server
is away for some minutes, and takes the answer of an earlier attempt for this one's.
"""

import json
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.input import RunInput
from prefect.input.run_input import Keyset, keyset_from_paused_state
from prefect.logging import get_run_logger
from prefect.states import Cancelled, Paused
from prefect.utilities.urls import url_for
from pydantic import Field

from flows.refresh.approvals import NotApproved, declined, unanswered
from flows.refresh.waiting_notes import noted
from flows.reporting.terminal import tell

_POLL_SECONDS = 3.0
_GRACE = timedelta(minutes=2)


class Approval(RunInput):
    """The form that the Prefect UI shows, below the page."""

    approve: bool = Field(
        title="Approve", description="On: the run goes on. Off: it ends here, and spends no more"
    )
    note: str = Field(default="", title="Note", description="Kept in the run's log")


def wait_for_answer(run: FlowRun, question: str, page: str, patience: timedelta) -> None:
    """Pause the current flow run until somebody answers.

    Raises:
        NotApproved: the answer is no, there was none in time, or the run was cancelled.
    """
    log = get_run_logger()
    with get_client(sync_client=True) as client, noted(run.id):
        keyset = _pause(client, run.id, question, page, patience)
        where = url_for("flow-run", run.id)
        tell(f"{question} The run waits for an answer: `stillhouse approve {run.name}`, or {where}")
        log.info("Waits for an answer: %s", question)
        if not _answered(client, run.id, question, patience):
            raise unanswered(question, patience)
        answer = _answer(client, run.id, keyset)
    note = str(answer.get("note", ""))
    if answer.get("approve") is not True:
        raise declined(question, note)
    log.info("Approved: %s %s", question, note)
    tell("Approved.")


def _pause(
    client: SyncPrefectClient, run: UUID, question: str, page: str, patience: timedelta
) -> Keyset:
    """Put the run into the state Paused, with a form; its key is new, as each question is.

    The server gives up a little later than this process, for runs whose process has ended.
    """
    expires = round((patience + _GRACE).total_seconds())
    state: State[Any] = Paused(timeout_seconds=expires, pause_key=uuid4().hex)
    keyset = keyset_from_paused_state(state)
    state.state_details.run_input_keyset = {str(name): key for name, key in keyset.items()}
    Approval.with_initial_data(description=f"### {question}\n\n{page}").save(keyset, run)
    reply = client.set_flow_run_state(run, state)
    if reply.state is None or not reply.state.is_paused():
        raise _cancelled(question)
    return keyset


def _answered(client: SyncPrefectClient, run: UUID, question: str, patience: timedelta) -> bool:
    """Wait until the run is resumed; tell whether it was in time. The server may be away."""
    until = time.monotonic() + patience.total_seconds()
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(_POLL_SECONDS, left))
        with suppress(httpx.HTTPError):
            try:
                state = client.read_flow_run(run).state
            except ObjectNotFound:
                raise _cancelled(question) from None
            if state is None or state.is_paused():
                continue
            if state.is_running():
                return True
            if state.is_cancelling():
                client.set_flow_run_state(run, Cancelled())
            if not state.is_failed():
                raise _cancelled(question)
            return False
    return False


def _answer(client: SyncPrefectClient, run: UUID, keyset: Keyset) -> dict[str, Any]:
    """Return what was answered; a run that was resumed without an answer has none."""
    try:
        answer: dict[str, Any] = json.loads(client.read_flow_run_input(run, keyset["response"]))
    except httpx.HTTPStatusError:
        return {}
    return answer


def _cancelled(question: str) -> NotApproved:
    return NotApproved(
        f"Not approved: the run was cancelled while it asked {question!r}. It went no further."
    )
