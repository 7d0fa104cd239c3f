"""The batch jobs of one account."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from llms.batches.connection import BatchConnection
from llms.batches.gathering import Gathering, Line
from llms.batches.job import Job, Surroundings
from llms.batches.timing import BatchTiming
from llms.batches.waiters import Waiters
from llms.chat import Completion
from llms.providers.batched import BatchedLLM
from llms.retries import RetryPolicy
from llms.spending import NOTHING, Amount, Booking
from llms.store import BatchJob, CompletionStore, job_holder, this_process


class AccountJobs:
    """Puts requests into jobs, and knows which job asks for what."""

    def __init__(
        self, llm: BatchedLLM, store: CompletionStore, policy: RetryPolicy, timing: BatchTiming
    ) -> None:
        self._account = llm.account
        self._store = store
        self._timing = timing
        self._connection = BatchConnection(llm, policy)
        self._gathering = Gathering(timing, self._submit)
        self._waiters = Waiters()
        self._jobs: list[Job] = []
        self._asked: dict[str, Job] = {}
        self._around = Surroundings(
            llm,
            store,
            self._connection,
            self._waiters,
            timing,
            self._quiet,
            self._forget,
        )

    async def open(self) -> None:
        """Take up the jobs that earlier processes left."""
        await self._connection.open()
        for left in await self._store.jobs(self._account):
            self._enter(left).resume()

    async def close(self) -> None:
        """Stop looking at jobs; they go on, and a later process fetches them."""
        self._gathering.close()
        for job in self._jobs:
            await job.close()
        await self._connection.close()

    def asks(self, key: str) -> bool:
        """Tell whether a job already asks for an answer."""
        return key in self._asked

    async def wait(self, key: str, look_every: float | None) -> Completion:
        """Wait for an answer that a job asks for."""
        with self._waiters.waiting(key, look_every) as answer:
            self._asked[key].resume()
            return await answer

    async def ask(
        self,
        key: str,
        body: Mapping[str, Any],
        most: Amount,
        charged: Booking,
        look_every: float | None,
    ) -> Completion:
        """Put a request into the next job and wait for its answer."""
        with self._waiters.waiting(key, look_every) as answer:
            content = self._connection.api.line(key, body)
            self._gathering.add(Line(key, content, most, charged))
            return await answer

    def withdraw(self, key: str) -> bool:
        """Take a request back; False if it has become part of a job."""
        return self._gathering.withdraw(key)

    def claim(self, key: str) -> bool:
        """Tell, once, whether a job brought an answer while nobody waited for it.

        Raises:
            LLMError: it was a refusal.
        """
        return self._waiters.claim(key)

    def _submit(self, lines: list[Line]) -> None:
        """Make a job; what it may cost is reserved in its own name until it is fetched."""
        token, charged = uuid4().hex, lines[0].charged
        most = sum((line.most for line in lines), NOTHING)
        booking = replace(charged, holder=job_holder(token), amount=most)
        keys = tuple(line.key for line in lines)
        written = BatchJob(
            token, self._account, None, keys, time.time(), booking, submitter=this_process()
        )
        content = b"".join(line.content for line in lines)
        self._enter(written).submit(content, charged.holder)

    def _enter(self, written: BatchJob) -> Job:
        """Note what a job asks for."""
        job = Job(written, self._around)
        self._jobs = [*(other for other in self._jobs if not other.over), job]
        self._asked.update(dict.fromkeys(written.keys, job))
        return job

    async def _quiet(self) -> None:
        """Wait until no request is on its way into a job."""
        await asyncio.sleep(self._timing.quiet)
        while True:
            going_on = [job.submission for job in self._jobs]
            underway = [task for task in (self._gathering.going_on, *going_on) if task]
            if not underway:
                return
            await asyncio.wait(underway)

    def _forget(self, key: str) -> None:
        self._asked.pop(key, None)
