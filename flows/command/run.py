"""`stillhouse run`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from flows.command.loading import find_flow, project_flows, read_settings
from flows.runtime.session import prefect_session, quiet_console
from llms.errors import StillhouseError
from llms.spending import dollars


def run_flow(name: str, options: Sequence[str]) -> None:
    """Run a flow to its end and say what came of it.

    Raises:
        StillhouseError: what stopped it.
    """
    if not name:
        Console().print("Flows: " + ", ".join(project_flows()))
        return
    found = find_flow(name)
    settings = read_settings(found, options, "run")
    with prefect_session(), quiet_console():
        state: Any = found.flow(settings, return_state=True)
    result = state.result(raise_on_failure=False)
    if isinstance(result, (StillhouseError, KeyboardInterrupt)):
        raise result
    if not state.is_completed():
        raise StillhouseError(f"The run ended as {state.name}: {state.message}")
    _tell(result)


def _cost(summary: dict[str, Any]) -> str:
    unknown = summary["calls"] and summary["unpriced"]
    beside = f" ({summary['unpriced']:,} answers have no known price)" if unknown else ""
    return f"{dollars(summary['spent_usd'])} spent{beside}"


def _tell(summary: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{summary['dataset']}: {summary['rows']:,} rows, {summary['rejected']:,} rejected. "
        f"{summary['calls']:,} model calls, {summary['reused']:,} answers reused, "
        f"{_cost(summary)}."
    )
    if waiting := summary["pull_request"]:
        console.print(f"Version {summary['version']} waits in a pull request: {waiting}")
    elif summary["published"]:
        console.print(f"Published as {summary['version']}: {summary['address']}")
    else:
        console.print(f"Nothing changed: {summary['version']} stays, {summary['address']}")
    if summary["folder"] not in (None, summary["address"]):
        console.print(f"Dataset: {summary['folder']}")
    for item in summary["reasons"]:
        console.print(
            f"Rejected {item['rows']:,} in step {item['step']}: {item['reason']}", markup=False
        )
    if summary["rejected"] and summary["folder"]:
        console.print(f"Rejected rows, with raw replies: {summary['folder']}/rejections.jsonl")
