"""Runs that wait for batch jobs: they end, and go on later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.context import FlowRunContext
from prefect.exceptions import Pause
from prefect.states import AwaitingRetry

from llms.errors import BatchPending

_NAMED = 5


def joined(found: Sequence[BatchPending]) -> BatchPending:
    """Return one error for all jobs that a run waits for."""
    jobs = tuple(dict.fromkeys(job for pending in found for job in pending.jobs))
    return BatchPending(
        f"The run waits for {_listed(jobs)}. The same command fetches the answers when they are "
        f"there; nothing is asked or paid twice.",
        wait=min(pending.wait for pending in found),
        jobs=jobs,
    )


def put_off(pending: BatchPending) -> None:
    """End the current flow run, to be picked up again, if it is one of a deployment.

    The server then hands the same flow run to a worker once `wait` seconds are over; until then
    it holds no process and no slot. A run that was started by hand is left alone.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None:
        return
    message = f"Waits for {_listed(pending.jobs)}. It goes on by itself."
    later = datetime.now(UTC) + timedelta(seconds=pending.wait)
    with get_client(sync_client=True) as client:
        answer: OrchestrationResult[Any] = client.set_flow_run_state(
            run.id, AwaitingRetry(scheduled_time=later, message=message)
        )
    if answer.status is SetStateStatus.ACCEPT:
        raise Pause(str(pending), state=answer.state) from None


def _listed(jobs: Sequence[str]) -> str:
    more = f" and {len(jobs) - _NAMED} more" if len(jobs) > _NAMED else ""
    return f"{len(jobs)} batch job{'s' * (len(jobs) > 1)}: {', '.join(jobs[:_NAMED])}{more}"
