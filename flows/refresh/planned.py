"""A refresh up to the first call: the last version, what is stored, and the plan."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from flows.refresh.estimates import model_of
from flows.refresh.plan import Plan
from flows.refresh.planning import make_plan
from flows.runtime.acceptance import Wanted
from flows.runtime.offline import OfflineRun, run_offline
from flows.runtime.record import read_record
from flows.runtime.run import Run
from flows.runtime.workspace import Workspace
from flows.settings import FlowSettings
from flows.versions.archive import restore_answers
from flows.versions.saved import SavedVersion
from llms.gateway import Gateway
from llms.home import default_gateway, home
from tasks.export.delivery import nothing_delivered
from tasks.graph import Graph
from tasks.task import Task


@dataclass(frozen=True, slots=True)
class Planned:
    """What a refresh will start from, and what it will do."""

    before: SavedVersion | None
    offline: OfflineRun
    plan: Plan


def planned(graph: Graph, settings: FlowSettings, before: SavedVersion | None) -> Planned:
    """Run a graph as far as it goes without a call, and plan the rest.

    The answers that the last version keeps are put into the store first, so that a machine that
    never saw the dataset plans, and pays, what any other does. The key of a model that has nothing
    to answer may be missing.

    Raises:
        StillhouseError: something that would stop the run as well.
    """
    graph.validate()
    if settings.accepted_rows:
        Wanted(settings.accepted_rows, settings.attempts_per_row).check(graph)
    store = default_gateway().store
    if before is not None:
        restore_answers(before, store)
    workspace = Workspace(home())
    run = Run(graph, workspace, Gateway(store, offline=True))
    run.most_source_rows = _rows_to_read(graph, settings, before)
    record = read_record(graph.name, workspace)
    run.memory.add(record.pieces, record.datasets)
    with run, nothing_delivered():
        offline = run_offline(run)
    plan = make_plan(offline, before)
    _check_models(graph, settings, plan)
    return Planned(before, offline, plan)


def _rows_to_read(graph: Graph, settings: FlowSettings, before: SavedVersion | None) -> int | None:
    """Return how many source rows it takes until enough are accepted, as in the last version."""
    accepted, leaf = settings.accepted_rows, graph.leaves()[0]
    if accepted is None or before is None or leaf not in before.accounts:
        return accepted
    books = before.accounts
    read = max(books[name].rows_in for name in books if not before.manifest.steps[name].after)
    likely = max(accepted, ceil(accepted * read / max(1, books[leaf].rows_out)))
    return min(likely, accepted * settings.attempts_per_row)


def _check_models(graph: Graph, settings: FlowSettings, plan: Plan) -> None:
    """Raise `ConfigurationError` if a model that is to be asked could not be, as a run would."""
    asking = [graph.steps[step.step] for step in plan.steps if step.calls.high]
    budgets = {"run": settings.budget, "month": settings.monthly_budget}
    with default_gateway().purse(graph.name, budgets) as purse:
        for step in asking:
            if (model := model_of(step)) is not None:
                model.check()
            if isinstance(step, Task):
                purse.check(step.llm)
