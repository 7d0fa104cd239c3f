"""Batch jobs outlive the process that sent them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from llms import CompletionStore
from llms.spending import Amount, Booking
from llms.store import BatchJob
from tests.llms.store.conftest import wait_for

CHARGED = Booking(("run/1", "dataset/d/2026-11"), "p", "host:1:a", Amount(1, 2, 3))
JOB = BatchJob("token-1", "openai:m", None, ("key 1", "key 2"), 1_800_000_000.25, CHARGED)


def test_a_job_is_there_for_the_next_process_with_what_was_last_known(store_url: str) -> None:
    sent = replace(JOB, job_id="batch-7", keys=("key 2",), booking=Booking())
    with closing(CompletionStore(store_url)) as store:
        wait_for(store.save_job(JOB))
        assert wait_for(store.jobs("openai:m")) == [JOB]
        wait_for(store.save_job(sent))
    with closing(CompletionStore(store_url)) as store:
        assert wait_for(store.jobs("openai:m")) == [sent]


def test_jobs_are_listed_by_account_oldest_first(store: CompletionStore) -> None:
    older = replace(JOB, token="token-2", created=JOB.created - 1)
    foreign = replace(JOB, token="token-3", account="mistral:m")
    for job in (JOB, older, foreign):
        wait_for(store.save_job(job))
    assert wait_for(store.jobs("openai:m")) == [older, JOB]
    assert wait_for(store.jobs("mistral:m")) == [foreign]
    assert wait_for(store.jobs("nobody")) == []


def test_a_removed_job_is_gone(store: CompletionStore) -> None:
    wait_for(store.save_job(JOB))
    wait_for(store.remove_job("another"))
    assert wait_for(store.jobs("openai:m")) == [JOB]
    wait_for(store.remove_job(JOB.token))
    assert wait_for(store.jobs("openai:m")) == []
