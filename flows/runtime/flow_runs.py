"""A graph as a flow run: inside the caller's, or one of its own."""

from typing import Any

from prefect import Flow
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger

from flows.dataset import DatasetVersion
from flows.reporting.artifacts import publish_accounts, published_progress
from flows.reporting.terminal import shown_progress, tell
from flows.runtime.acceptance import Wanted, execute_until_accepted
from flows.runtime.changes import changed_steps
from flows.runtime.execution import execute
from flows.runtime.ledger import spending
from flows.runtime.offline import OfflineRun
from flows.runtime.pending import put_off
from flows.runtime.record import read_record, write_record
from flows.runtime.run import EverythingRejected, Run
from flows.runtime.secrets import read_secret_blocks
from flows.runtime.session import prefect_session, quiet_console
from flows.runtime.workspace import Workspace
from llms.errors import BatchPending, StillhouseError
from llms.gateway import Budget, Gateway
from llms.home import home
from tasks.graph import Graph, pipeline_digest


def run_graph(
    graph: Graph,
    *,
    use_cache: bool,
    rows_per_partition: int | None,
    gateway: Gateway,
    budget: Budget | None,
    monthly_budget: Budget | None,
    wanted: Wanted | None,
    planned: OfflineRun | None = None,
) -> DatasetVersion:
    """Run a graph and return the finished dataset; see `Pipeline.run`.

    What was `planned`, that is, made without a call, is not made again.
    """
    if wanted is not None:
        wanted.check(graph)
    read_secret_blocks()
    run = Run(
        graph,
        Workspace(home()),
        gateway,
        use_cache=use_cache,
        rows_per_partition=rows_per_partition,
    )
    if planned is not None:
        run.memory.add(planned.pieces, planned.run.datasets)
        run.sources = {} if wanted else planned.run.sources
    with spending(run, budget, monthly_budget):
        if FlowRunContext.get() is None:
            return _as_own_flow(run, wanted)
        try:
            return _recorded(run, wanted)
        except BatchPending as pending:
            put_off(pending)
            raise


def _as_own_flow(run: Run, wanted: Wanted | None) -> DatasetVersion:
    made: list[DatasetVersion] = []

    def run_pipeline(pipeline: str, digest: str) -> None:
        made.append(_recorded(run, wanted))

    run.graph.validate()
    own_flow = Flow(run_pipeline, name=run.graph.name, description=run.graph.description)
    with prefect_session(), quiet_console():
        state: Any = own_flow(run.graph.name, pipeline_digest(run.graph), return_state=True)
    if made:
        return made[0]
    error = state.result(raise_on_failure=False)
    if isinstance(error, BaseException):
        raise error
    raise StillhouseError(f"The run ended as {state.name}: {state.message}")


def _recorded(run: Run, wanted: Wanted | None) -> DatasetVersion:
    before = read_record(run.graph.name, run.workspace)
    if not run.memory.pieces:  # else the plan has taken from it what it could
        run.memory.add(before.pieces, before.datasets)
    changes = changed_steps(run.graph, before.steps) if before.steps else []
    for sentence in changes:
        tell(sentence)
        get_run_logger().info(sentence)
    with run, shown_progress(run.progress), published_progress(run.progress):
        partitions = execute_until_accepted(run, wanted) if wanted else execute(run)
    version = DatasetVersion(
        run.graph,
        run.workspace,
        partitions,
        run.progress.calls,
        run.progress.spent_usd,
        tuple(changes),
        run_id(),
        run.gateway,
    )
    publish_accounts(version)
    if not version.rows:
        raise EverythingRejected(_nothing_left(version))
    write_record(run.graph, run.pieces, run.datasets, run.workspace)
    return version


def run_id() -> str:
    """Return the id of the current flow run, as provenance names it."""
    context = FlowRunContext.get()
    return str(context.flow_run.id) if context and context.flow_run else ""


def _nothing_left(version: DatasetVersion) -> str:
    reasons = version.summary()["reasons"]
    if not reasons:
        return f"Pipeline {version.name!r} made no rows: its steps filtered all of them."
    most = reasons[0]
    return (
        f"Pipeline {version.name!r} made no rows; most often step {most['step']!r} rejected them, "
        f"because: {most['reason']}"
    )
