"""The run in the Prefect UI: a progress bar while it works, a page of accounts at the end."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from flows.dataset import DatasetVersion
from flows.gates import Verdict
from flows.refresh.outcome import Delivered
from flows.refresh.plan import Plan
from flows.reporting.accounts import (
    accounts_table,
    cost_of,
    joined,
    rejections_table,
    samples,
)
from flows.reporting.plan import plan_page
from flows.runtime.progress import Progress
from llms.spending import dollars

_SECONDS_BETWEEN_UPDATES = 3.0


@contextmanager
def published_progress(progress: Progress) -> Iterator[None]:
    """Keep a progress artifact of the current flow run up to date."""
    artifact: Any = create_progress_artifact(0.0, key="progress", description="Rows done")
    finished = threading.Event()

    def update() -> None:
        while not finished.wait(_SECONDS_BETWEEN_UPDATES):
            update_progress_artifact(artifact, progress=_percent(progress))

    updater = threading.Thread(target=copy_context().run, args=(update,), daemon=True)
    updater.start()
    try:
        yield
    finally:
        finished.set()
        updater.join()
        update_progress_artifact(artifact, progress=_percent(progress))


def publish_plan(plan: Plan) -> None:
    """Leave a plan as a Markdown artifact."""
    key = _key(plan.pipeline, "plan")
    create_markdown_artifact(plan_page(plan), key=key, description="What the refresh will do")


def publish_accounts(version: DatasetVersion) -> None:
    """Leave the books of a run as a Markdown artifact."""
    key = _key(version.name, "accounts")
    create_markdown_artifact(accounts_page(version), key=key, description="What the run made")


def publish_verdicts(name: str, verdicts: Sequence[Verdict]) -> None:
    """Leave what the gates found as a table artifact."""
    if verdicts:
        rows = [
            {
                "gate": verdict.gate,
                "of": verdict.subject,
                "passed": "yes" if verdict.passed else "NO",
                "wanted": verdict.wanted,
                "found": verdict.sentence,
            }
            for verdict in verdicts
        ]
        failed = sum(not verdict.passed for verdict in verdicts)
        said = f"{failed} of {len(verdicts)} gates failed" if failed else "All gates passed"
        create_table_artifact(rows, key=_key(name, "gates"), description=said)


def publish_changes(name: str, page: str) -> None:
    """Leave what changed since the last version as a Markdown artifact."""
    key = _key(name, "changes")
    create_markdown_artifact(page, key=key, description="What changed since the last version")


def publish_address(name: str, delivered: Delivered) -> None:
    """Leave a link to the published version as an artifact, where it has an address on the web."""
    address = delivered.pull_request or delivered.address
    if address.startswith(("https://", "http://")):
        said = f"Version {delivered.version}" + ("" if delivered.published else ", unchanged")
        create_link_artifact(address, said, key=_key(name, "version"), description=said)


def _key(name: str, kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{name}-{kind}".lower()).strip("-")


def accounts_page(version: DatasetVersion) -> str:
    """Return the books of a run as a Markdown page."""
    summary, books = version.summary(), version.books
    rejected = rejections_table(version)
    return joined(
        [
            f"# {version.name}",
            f"{version.rows:,} rows. {version.calls:,} model calls in this run, "
            f"{dollars(version.spent_usd)} spent, "
            f"{summary['reused']:,} answers reused; {books.input_tokens:,} tokens in and "
            f"{books.output_tokens:,} out behind all of them, cost {cost_of(books) or '$0'}.",
            "\n".join(["## Changed since the last run\n", *(f"- {c}" for c in version.changes)])
            if version.changes
            else "",
            "## Accounts",
            accounts_table(version),
            f"## Rejected\n\n{rejected}" if rejected else "",
            *(
                f"## Samples: {configuration}\n\n{samples(version, configuration)}"
                for configuration in version.configurations
            ),
        ]
    )


def _percent(progress: Progress) -> float:
    return round(100 * progress.fraction(), 1)
