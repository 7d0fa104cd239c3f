"""A refresh: plan, run what is needed, check, publish, report."""

from __future__ import annotations

import time
from typing import Any

from flows.dataset import DatasetVersion, configurations_of
from flows.gates import GateFailed, Verdict
from flows.pipeline import Pipeline
from flows.refresh.approvals import approve_publishing, approve_spending
from flows.refresh.candidates import stage_candidate
from flows.refresh.delivery import check_delivery, deliver
from flows.refresh.last_version import last_version
from flows.refresh.outcome import summary_of
from flows.refresh.planned import Planned, planned
from flows.refresh.report import write_report
from flows.reporting.artifacts import (
    publish_address,
    publish_changes,
    publish_plan,
    publish_verdicts,
)
from flows.runtime.acceptance import Wanted
from flows.runtime.flow_runs import run_graph
from flows.runtime.secrets import read_secret_blocks
from flows.runtime.stations import station
from flows.settings import FlowSettings
from flows.versions.saved import SavedVersion
from flows.versions.staging import check_names
from llms.home import default_gateway


def refresh(pipeline: Pipeline, settings: FlowSettings) -> dict[str, Any]:
    """Bring a published dataset up to date, inside a flow run, and return a summary.

    Raises:
        GateFailed: the new version is not what the gates want; the last one stays.
        NotApproved: nobody approved of spending, or of publishing.
        StillhouseError: one sentence about what else stopped it; what is finished is kept.
    """
    begun = time.monotonic()
    check_names(list(configurations_of(pipeline)))
    check_delivery(settings)
    settings.gates.prepare()
    read_secret_blocks()
    before = station("last version", lambda: last_version(settings))
    found = station("plan", lambda: _plan(pipeline, settings, before))
    approve_spending(found.plan, settings.approvals)
    version = _run(pipeline, settings, found)
    candidate = station("stage", lambda: stage_candidate(version, settings.contents, before))
    if before is None or before.digest != candidate.digest:
        _check(version, candidate, found, settings, begun)
    delivered = station("publish", lambda: deliver(candidate, settings))
    publish_address(version.name, delivered)
    return summary_of(version, candidate, found.plan, delivered)


def _plan(pipeline: Pipeline, settings: FlowSettings, before: SavedVersion | None) -> Planned:
    found = planned(pipeline, settings, before)
    publish_plan(found.plan)
    return found


def _run(pipeline: Pipeline, settings: FlowSettings, found: Planned) -> DatasetVersion:
    wanted = settings.accepted_rows
    return run_graph(
        pipeline,
        use_cache=True,
        rows_per_partition=None,
        gateway=default_gateway(),
        budget=settings.budget,
        monthly_budget=settings.monthly_budget,
        wanted=Wanted(wanted, settings.attempts_per_row) if wanted else None,
        planned=found.offline,
    )


def _check(
    version: DatasetVersion,
    candidate: SavedVersion,
    found: Planned,
    settings: FlowSettings,
    begun: float,
) -> None:
    """Let the gates look at a candidate, write its report, and ask whether it may go out.

    Raises:
        GateFailed: it is not what the gates want.
        NotApproved: it may not.
    """
    verdicts = station("gates", lambda: _verdicts(version.name, candidate, found, settings))
    seconds = time.monotonic() - begun
    page = station(
        "report",
        lambda: write_report(version, candidate, found.before, found.plan, verdicts, seconds),
    )
    publish_changes(version.name, page)
    failed = [verdict.sentence for verdict in verdicts if not verdict.passed]
    if failed:
        raise GateFailed(
            f"{' '.join(failed)} The candidate is in {str(candidate.folder)!r}, with its report; "
            f"the last version stays."
        )
    approve_publishing(page, settings.approvals)


def _verdicts(
    name: str, candidate: SavedVersion, found: Planned, settings: FlowSettings
) -> list[Verdict]:
    verdicts = settings.gates.check(candidate, found.before)
    publish_verdicts(name, verdicts)
    return verdicts
