"""The completion store: every answer that was paid for, by the content of its request."""

from __future__ import annotations

from llms.store.answers import ArchivedAnswer, Stored
from llms.store.jobs import BatchJob
from llms.store.ledger import job_holder
from llms.store.processes import this_process
from llms.store.store import CompletionStore
from llms.store.upkeep import ModelTotals, Pruned, StoreTotals

__all__ = [
    "ArchivedAnswer",
    "BatchJob",
    "CompletionStore",
    "ModelTotals",
    "Pruned",
    "StoreTotals",
    "Stored",
    "job_holder",
    "this_process",
]
