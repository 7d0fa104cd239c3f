"""Batch jobs: many requests handed over in one file, answered after a while in shuffled order."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.loopback.faults import Status
from tests.loopback.stats import Counters, digest

LineFault = Callable[[str, dict[str, Any]], Status | Literal["missing", "expired"] | None]
"""Says how a line with this custom id and body fails: with a status of its own, by being in no
file, or by not having been reached in time."""

JobFault = Literal["failed", "expired"]
"""How a whole job fails: its file is called bad, or its time is over with part of it done."""

Phase = Literal["waiting", "running", "done", "failed", "expired", "cancelling", "cancelled"]
Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
"""Answers a body for an endpoint with a status and a value."""

_WAITING_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a job."""

    custom_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of a line; `status` is None for a line that was not reached (`reason`)."""

    custom_id: str
    status: int | None
    body: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line of an input file; lines count from 1."""

    code: str
    line: int
    message: str


@dataclass(slots=True)
class Job:
    """A batch job; `started` is by the clock of the work, other times are Unix seconds."""

    id: str
    endpoint: str
    lines: list[Line]
    input_files: list[str]
    model: str | None
    metadata: dict[str, str] | None
    problems: list[Problem]
    fault: JobFault | None
    started: float
    created: int = field(default_factory=lambda: int(time.time()))
    ended: int | None = None
    phase: Phase = "waiting"
    results: list[LineResult] = field(default_factory=list)
    output_file: str | None = None
    error_file: str | None = None

    @property
    def succeeded(self) -> int:
        """Lines that were answered with success."""
        return sum(result.status == 200 for result in self.results)

    @property
    def failed(self) -> int:
        """Lines that have a result other than success."""
        return len(self.results) - self.succeeded


class BatchWork:
    """Makes jobs and brings them forward when somebody looks.

    `seconds` is how long a job takes, `line_fault` says which lines fail, `job_faults` how whole
    jobs fail, in the order they are made; of a job that expires `answered_share` is answered. The
    answers of the next `lose_creations` creating requests are lost: their jobs are made, but the
    connection breaks. `clock` tells the seconds; a test may put its own in place.
    """

    def __init__(
        self,
        counters: Counters,
        answer: Answer,
        *,
        seconds: float = 0.0,
        line_fault: LineFault | None = None,
        job_faults: Iterable[JobFault | None] = (),
        answered_share: float = 0.5,
        lose_creations: int = 0,
    ) -> None:
        self.seconds = seconds
        self.line_fault = line_fault
        self.answered_share = answered_share
        self.lose_creations = lose_creations
        self.clock: Callable[[], float] = time.monotonic
        self._counters = counters
        self._answer = answer
        self._job_faults: Iterator[JobFault | None] = iter(job_faults)
        self._jobs: dict[str, Job] = {}

    def fail_jobs(self, faults: Iterable[JobFault | None]) -> None:
        """Replace the faults of whole jobs from the next job on."""
        self._job_faults = iter(faults)

    def create(
        self,
        prefix: str,
        endpoint: str,
        lines: list[Line],
        *,
        input_files: list[str],
        model: str | None = None,
        metadata: dict[str, str] | None = None,
        problems: Iterable[Problem] = (),
    ) -> Job:
        """Make a job and return it, before any work on it."""
        job_id = f"{prefix}{len(self._jobs) + 1}"
        fault = next(self._job_faults, None)
        job = Job(
            job_id,
            endpoint,
            lines,
            input_files,
            model,
            metadata,
            list(problems),
            fault,
            started=self.clock(),
        )
        self._jobs[job.id] = job
        contents = (json.dumps(line.body, sort_keys=True).encode() for line in lines)
        self._counters.job_made(digest(endpoint.encode(), content) for content in contents)
        return job

    def loses_this_answer(self) -> bool:
        """Whether the answer of this creating request is one of those to lose."""
        if self.lose_creations <= 0:
            return False
        self.lose_creations -= 1
        return True

    def jobs(self, prefix: str) -> list[Job]:
        """Return the jobs of an API, newest first, as they are now."""
        found = [job for job in reversed(self._jobs.values()) if job.id.startswith(prefix)]
        for job in found:
            self._advance(job)
        return found

    def find(self, job_id: str) -> Job | None:
        """Return a job as it is now."""
        job = self._jobs.get(job_id)
        if job is not None:
            self._advance(job)
        return job

    def cancel(self, job: Job) -> None:
        """Stop a job; what is answered by now stays answered."""
        if job.phase in ("waiting", "running"):
            elapsed = self.clock() - job.started
            share = min(1.0, elapsed / self.seconds) if self.seconds else 0.0
            job.results = self._work(job, share, "batch_cancelled")
            job.phase = "cancelling"

    def _advance(self, job: Job) -> None:
        elapsed = self.clock() - job.started
        if job.phase == "cancelling":
            self._end(job, "cancelled")
        if job.phase not in ("waiting", "running"):
            return
        if elapsed < self.seconds * _WAITING_SHARE:
            return
        if job.problems or job.fault == "failed":
            bad_file = Problem("invalid_file", 1, "the loopback provider was told to fail the file")
            job.problems = job.problems or [bad_file]
            self._end(job, "failed")
        elif elapsed < self.seconds:
            job.phase = "running"
        elif job.fault == "expired":
            job.results = self._work(job, self.answered_share, "batch_expired")
            self._end(job, "expired")
        else:
            job.results = self._work(job, 1.0, "batch_expired")
            self._end(job, "done")

    def _end(self, job: Job, phase: Phase) -> None:
        job.phase = phase
        job.ended = int(time.time())

    def _work(self, job: Job, share: float, reason: str) -> list[LineResult]:
        """Answer a share of the lines, in shuffled order; the others get the reason."""
        lines = list(job.lines)
        random.Random(job.id).shuffle(lines)
        reached = round(len(lines) * share)
        results = [self._answer_line(job, line) for line in lines[:reached]]
        results += [LineResult(line.custom_id, None, reason=reason) for line in lines[reached:]]
        return [result for result in results if result is not None]

    def _answer_line(self, job: Job, line: Line) -> LineResult | None:
        fault = self.line_fault(line.custom_id, line.body) if self.line_fault else None
        if fault == "missing":
            return None
        if fault == "expired":
            return LineResult(line.custom_id, None, reason="batch_expired")
        if isinstance(fault, Status):
            return LineResult(line.custom_id, fault.code, json.loads(fault.body))
        status, body = self._answer(job.endpoint, line.body)
        return LineResult(line.custom_id, status, body)
