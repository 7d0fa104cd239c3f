"""`Job`: one batch job, from its submission to the last of its answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from llms.batches.api import JobGone, Progress, Result
from llms.batches.connection import BatchConnection
from llms.batches.timing import BatchTiming
from llms.batches.waiters import Waiters
from llms.chat import Completion
from llms.errors import BatchPending, LLMError, ProviderRefused, ServerFailed, TransientError
from llms.prices import BATCH_SHARE, amount_of, priced
from llms.providers.batched import BatchedLLM
from llms.providers.responses import error_for_status, one_line, read_error
from llms.store import BatchJob, CompletionStore
from llms.store.processes import has_ended
from llms.waiting import together

_SUBMISSION_SECONDS = 300.0
"""How long another process may take to submit a job that it has written down."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the jobs of an account share.

    `quiet` waits until no request of the account is on its way into a job; `forget` is told of
    keys that a job does not ask for any more.
    """

    llm: BatchedLLM
    store: CompletionStore
    connection: BatchConnection
    waiters: Waiters
    timing: BatchTiming
    quiet: Callable[[], Awaitable[None]]
    forget: Callable[[str], None]


class Job:
    """One job, worked on while somebody waits for its answers.

    What fails is told to those who wait; whoever asks again makes the work go on.
    """

    def __init__(self, job: BatchJob, around: Surroundings) -> None:
        self._mine = False
        self._submitted: asyncio.Future[None] | None = None
        self._job = job
        self._around = around
        self._missing = dict.fromkeys(job.keys)
        self._failures: dict[str, TransientError] = {}
        self._work: asyncio.Task[None] | None = None

    def submit(self, content: bytes, reserved_by: str) -> None:
        """Submit the lines, and follow the job then."""
        self._mine = True
        self._submitted = asyncio.get_running_loop().create_future()
        self._start(self._submit(content, reserved_by))

    @property
    def submission(self) -> asyncio.Future[None] | None:
        """What ends with the submission; None if it is not under way."""
        return None if self._submitted is None or self._submitted.done() else self._submitted

    def resume(self) -> None:
        """Look how far the job is, unless that is being done."""
        if self._work is None or self._work.done():
            self._start(self._see_through())

    @property
    def over(self) -> bool:
        """Whether nothing is left to do or to ask for."""
        return not self._missing and (self._work is None or self._work.done())

    async def close(self) -> None:
        """End the work; a job with answers left goes on."""
        if self._work is not None:
            if self._missing:
                self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = asyncio.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as failure:
            # Whatever it was, nobody may wait for ever.
            error = failure
            self._around.waiters.fail(self._missing, lambda _: error)
        finally:
            self._note_submission()

    async def _submit(self, content: bytes, reserved_by: str) -> None:
        store, connection = self._around.store, self._around.connection
        known = False
        try:
            await store.save_job(self._job, reserved_by=reserved_by)
            file = await connection.upload(content)
            del content
            known = True
            self._job = replace(self._job, job_id=await connection.create(file, self._job.token))
        except LLMError as error:
            if not (known and isinstance(error, TransientError)):
                await self._end(error)
            raise
        except Exception as error:
            self._forget(error)
            raise
        await store.save_job(self._job)
        self._note_submission()
        await self._see_through()

    async def _see_through(self) -> None:
        """Look at the job until it is done or nobody can wait, and take what it brings."""
        try:
            if not await self._identified():
                return
            progress = await self._done()
            if progress is None:
                return
            for file in progress.files:
                await self._around.connection.results(file, self._take)
        except JobGone as error:
            await self._end(error)
            return
        if progress.failure is not None:
            said = one_line(progress.failure, self._around.llm).rstrip(".")
            refused = f"{self._name} came to nothing: {said}. Mend it and run again."
            await self._end(ProviderRefused(refused))
            return
        await self._end(ServerFailed(f"{self._name} ended before this request was answered."))

    async def _identified(self) -> bool:
        """Find the job at the provider, where it is not known whether it got there."""
        store, job = self._around.store, self._job
        while job.job_id is None and not self._mine and _may_be_on_its_way(job):
            await asyncio.sleep(self._around.timing.quiet)
            there = [one for one in await store.jobs(job.account) if one.token == job.token]
            if not there:
                break
            job = there[0]
        if job.job_id is None:
            job = replace(job, job_id=await self._around.connection.find(job.token))
            if job.job_id is not None:
                await store.save_job(job)
        self._job = job
        if job.job_id is None:
            await self._end(ServerFailed(f"{self._around.llm.provider} never got a batch job."))
        return job.job_id is not None

    async def _done(self) -> Progress | None:
        """Return what came of the job, None if it goes on and nobody waits for it."""
        waiters, job_id = self._around.waiters, self._job.job_id
        assert job_id is not None
        while not (progress := await self._around.connection.progress(job_id)).done:
            if waiters.hurried(self._missing):
                await self._around.quiet()
                waiters.fail(waiters.hurried(self._missing), self._pending)
            if (seconds := waiters.shortest_look(self._missing)) is None:
                return None
            await asyncio.sleep(seconds)
        return progress

    async def _take(self, results: list[Result]) -> None:
        """Store the answers among some results, and hand them out."""
        answers: dict[str, Completion] = {}
        for result in results:
            if result.key not in self._missing:
                continue
            try:
                answers[result.key] = self._read(result)
            except TransientError as error:
                self._failures[result.key] = error
            except LLMError as error:
                self._settle(result.key)
                self._around.waiters.refuse(result.key, error)
        stored = await together([self._put(key, answer) for key, answer in answers.items()])
        for key, completion in zip(answers, stored, strict=True):
            self._settle(key)
            self._around.waiters.answer(key, completion)

    def _read(self, result: Result) -> Completion:
        llm = self._around.llm
        if result.status == 200:
            return priced(llm, llm.read_reply(result.body), share=BATCH_SHARE)
        message, code = read_error(result.body, "an error without a message")
        if result.status is None:
            raise ServerFailed(f"{self._name} left a request out: {one_line(message, llm)}")
        raise error_for_status(llm, result.status, message, code, {})

    async def _put(self, key: str, completion: Completion) -> Completion:
        around = self._around
        charge = amount_of(around.llm, completion.usage, share=BATCH_SHARE)
        booking = replace(self._job.booking, amount=charge)
        stored = await around.store.put(key, completion, booking, once=True)
        assert isinstance(stored, Completion)
        return stored

    async def _end(self, error: LLMError) -> None:
        """Forget the job, and tell those whose answers it did not bring why."""
        await self._around.store.remove_job(self._job.token)
        self._forget(error)

    def _note_submission(self) -> None:
        if self._submitted is not None and not self._submitted.done():
            self._submitted.set_result(None)

    def _forget(self, error: Exception) -> None:
        for key in self._missing:
            self._around.forget(key)
        unanswered, self._missing = self._missing, {}
        self._around.waiters.fail(unanswered, lambda key: self._failures.get(key, error))

    def _settle(self, key: str) -> None:
        del self._missing[key]
        self._around.forget(key)

    def _next_look(self) -> float:
        """Return the seconds until another look is worth it: the older a job, the more."""
        timing = self._around.timing
        return max(timing.next_look, min((time.time() - self._job.created) / 4, timing.rarest_look))

    @property
    def _name(self) -> str:
        return f"Batch job {self._job.job_id!r} of {self._around.llm.provider}"

    def _pending(self, key: str) -> BatchPending:
        name = f"{self._around.llm.provider} {self._job.job_id} ({len(self._job.keys):,} requests)"
        return BatchPending(
            f"A batch job goes on: {name}. Ask again later to fetch its answers; nothing is asked "
            f"or paid twice.",
            wait=self._next_look(),
            jobs=(name,),
        )


def _may_be_on_its_way(job: BatchJob) -> bool:
    """Tell whether another process may be about to submit a job."""
    return time.time() - job.created < _SUBMISSION_SECONDS and not has_ended(job.submitter)
