"""What a provider has seen."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any


@dataclass(frozen=True, slots=True)
class Stats:
    """What the provider has seen since its start or last reset; clocks are `time.monotonic`.

    `contents` counts requests to models by the digest of path and whole body; `bodies` is empty
    unless kept. `refused` counts answers of 429 and what found no free slot, `tokens` those of all
    answers as in their usage, `after_answer` requests that came again, whole and equal, after they
    had been answered. `job_lines` are the lines of batch jobs, `duplicate_lines` those whose
    endpoint and body an earlier line had.
    """

    requests: int
    answered: int
    in_flight: int
    most_in_flight: int
    first_request: float | None
    last_answer: float | None
    contents: dict[str, int]
    authorizations: dict[str, int]
    bodies: list[dict[str, Any]]
    refused: int = 0
    tokens: int = 0
    embedded_texts: int = 0
    files: int = 0
    jobs: int = 0
    job_lines: int = 0
    duplicate_lines: int = 0
    after_answer: int = 0

    @property
    def duplicates(self) -> int:
        """Requests whose whole body had been sent before."""
        return sum(self.contents.values()) - len(self.contents)

    def as_json(self) -> dict[str, Any]:
        """Return the counters as plain JSON values."""
        return {**asdict(self), "duplicates": self.duplicates}


@dataclass(slots=True)
class _Numbers:
    requests: int = 0
    answered: int = 0
    first_request: float | None = None
    last_answer: float | None = None
    refused: int = 0
    tokens: int = 0
    embedded_texts: int = 0
    files: int = 0
    jobs: int = 0
    job_lines: int = 0
    duplicate_lines: int = 0
    after_answer: int = 0


@dataclass(slots=True)
class _Records:
    contents: Counter[str] = field(default_factory=Counter)
    authorizations: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)


class Counters:
    """Counts on the server's loop; read from any thread."""

    def __init__(self, *, keep_bodies: bool) -> None:
        self._keep_bodies = keep_bodies
        self._lock = threading.Lock()
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Set the counters to zero; requests in flight stay counted as in flight."""
        with self._lock:
            self._most_in_flight = self._in_flight
            self._numbers = _Numbers()
            self._records = _Records()

    def stats(self) -> Stats:
        """Return the counters as they are now."""
        with self._lock:
            return Stats(
                **asdict(self._numbers),
                in_flight=self._in_flight,
                most_in_flight=self._most_in_flight,
                contents=dict(self._records.contents),
                authorizations=dict(self._records.authorizations),
                bodies=list(self._records.bodies),
            )

    def arrived(self, content: str, authorization: str, body: dict[str, Any]) -> int:
        """Count a request to a model and return its number, from 1."""
        with self._lock:
            numbers, records = self._numbers, self._records
            numbers.requests += 1
            numbers.first_request = numbers.first_request or time.monotonic()
            numbers.after_answer += content in records.answered
            records.contents[content] += 1
            records.authorizations[authorization] += 1
            if self._keep_bodies:
                records.bodies.append(body)
            self._in_flight += 1
            self._most_in_flight = max(self._most_in_flight, self._in_flight)
            return numbers.requests

    def left(self) -> None:
        """Count a request as no longer in flight."""
        with self._lock:
            self._in_flight -= 1

    def was_answered(self, content: str, tokens: int, texts: int) -> None:
        """Count an answer, its tokens and the texts that it embeds."""
        with self._lock:
            numbers = self._numbers
            numbers.answered += 1
            numbers.tokens += tokens
            numbers.embedded_texts += texts
            numbers.last_answer = time.monotonic()
            self._records.answered.add(content)

    def was_refused(self) -> None:
        """Count a refusal."""
        with self._lock:
            self._numbers.refused += 1

    def uploaded(self) -> None:
        """Count an uploaded file."""
        with self._lock:
            self._numbers.files += 1

    def job_made(self, lines: Iterable[str]) -> None:
        """Count a batch job and its lines, given as digests of endpoint and body."""
        with self._lock:
            self._numbers.jobs += 1
            for line in lines:
                self._numbers.job_lines += 1
                self._numbers.duplicate_lines += line in self._records.lines
                self._records.lines.add(line)


def digest(*parts: bytes) -> str:
    """Return a digest that names a content."""
    return blake2b(b"\n".join(parts), digest_size=16).hexdigest()
