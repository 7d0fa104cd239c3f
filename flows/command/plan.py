"""`stillhouse plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.settings import PREFECT_API_URL
from rich.console import Console

from flows.command.loading import FlowFile, find_flow, project_flows, read_settings
from flows.dataset import configurations_of
from flows.publishing.folder import check_folder
from flows.refresh.last_version import last_version
from flows.refresh.plan import Plan
from flows.refresh.planned import planned
from flows.reporting.plan import plan_notes, plan_page, plan_sentence, plan_table
from flows.runtime.secrets import read_secret_blocks
from flows.settings import FlowSettings
from flows.versions.staging import check_names
from llms.errors import ConfigurationError


def plan_flow(name: str, options: Sequence[str]) -> None:
    """Say what a refresh of a flow would do and cost; no model is called and nothing is published.

    What stops a run before its first call is an error here too. Only the key of a model that has
    nothing to answer may be missing, and nobody has to be logged in to where the dataset goes.

    Raises:
        StillhouseError: what is wrong with the flow, its settings, its source or its models.
    """
    if not name:
        Console().print("Flows: " + ", ".join(project_flows()))
        return
    shown, rest = _Shown.of(options)
    found = find_flow(name)
    plan = _plan(found, read_settings(found, rest, "plan"))
    if shown.as_json:
        print(json.dumps(plan.as_json(), indent=2))
    elif shown.as_markdown:
        print(plan_page(plan), end="")
    else:
        _tell(plan)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How a plan is to be shown; a table if neither."""

    as_json: bool
    as_markdown: bool

    @classmethod
    def of(cls, options: Sequence[str]) -> tuple[_Shown, list[str]]:
        """Take `--json` and `--markdown` out of the options."""
        shown = cls("--json" in options, "--markdown" in options)
        if shown.as_json and shown.as_markdown:
            raise ConfigurationError("A plan is printed as --json or as --markdown, not as both.")
        return shown, [option for option in options if option not in ("--json", "--markdown")]


def _plan(found: FlowFile, settings: Any) -> Plan:
    if found.pipeline is None:
        raise ConfigurationError(
            f"{found.name!r} has no function pipeline(settings), which a plan needs."
        )
    if not isinstance(settings, FlowSettings):
        raise ConfigurationError(
            f"The settings of {found.name!r} are no FlowSettings, which say where its dataset is; "
            f"a plan needs them."
        )
    if PREFECT_API_URL.value():
        read_secret_blocks()
    if not settings.is_remote:
        check_folder(settings.output)
    settings.gates.prepare()
    pipeline = found.pipeline(settings)
    check_names(list(configurations_of(pipeline)))
    return planned(pipeline, settings, last_version(settings)).plan


def _tell(plan: Plan) -> None:
    console = Console(highlight=False)
    console.print(plan_sentence(plan), markup=False)
    if plan.changes_nothing:
        return
    console.print(plan_table(plan))
    for note in plan_notes(plan):
        console.print(note, markup=False)
