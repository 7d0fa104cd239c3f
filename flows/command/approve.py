"""`stillhouse approve`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.refresh.waiting_runs import answer, waiting_runs
from llms.errors import ConfigurationError

_ID = 8


def approve_run(run: str | None, *, decline: bool, note: str) -> None:
    """Answer a run that waits for approval; without one, list those that wait.

    Raises:
        NothingToApprove: there is no such run, or it does not wait.
        ServerError: no Prefect server can be found.
    """
    if run is None:
        if decline or note:
            raise ConfigurationError("Name the run to answer; `stillhouse approve` lists them.")
        _list_waiting()
        return
    answered = answer(run, approve=not decline, note=note)
    print(f"{'Declined' if decline else 'Approved'}: {answered.question} (run {answered.name})")


def _list_waiting() -> None:
    runs = waiting_runs()
    if not runs:
        print("No run waits for an answer.")
        return
    table = Table("flow", "run", "id", "since", "question")
    for run in runs:
        since = run.since.astimezone().strftime("%Y-%m-%d %H:%M") if run.since else ""
        table.add_row(Text(run.flow), Text(run.name), str(run.id)[:_ID], since, Text(run.question))
    Console().print(table)
