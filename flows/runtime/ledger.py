"""Whom the calls of a run are charged to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from flows.runtime.run import Run
from llms.gateway import Budget


def dataset_account(dataset: str, now: datetime) -> str:
    """Return the ledger account of a dataset's month."""
    return f"dataset/{dataset}/{now:%Y-%m}"


@contextmanager
def spending(run: Run, budget: Budget | None, monthly: Budget | None) -> Iterator[None]:
    """Charge the calls of a block to the run and to its dataset's month.

    The account of a run stays open until a run of this pipeline ends well: what a killed run spent
    counts for the one that goes on with its work.
    """
    name, now = run.graph.name, datetime.now(UTC)
    account = f"run/{name}"
    budgets = {account: budget, dataset_account(name, now): monthly}
    with run.gateway.purse(name, budgets) as purse:
        run.purse = purse
        yield
    run.gateway.run(run.gateway.store.close_account(account, f"{account}/{now.isoformat()}"))
