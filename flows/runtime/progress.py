"""What a run has done so far, counted as it happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from flows.runtime.room import Place
from llms.spending import Calls
from tasks.outcome import Observer


@dataclass(slots=True)
class StepProgress:
    """Counts of one step in this run; rows of reused partitions count as done."""

    name: str
    total: int | None = None
    done: int = 0
    rejected: int = 0
    requests: int = 0
    reused: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    spent_usd: float = 0.0
    saved_usd: float = 0.0
    unpriced: int = 0


@dataclass(slots=True)
class Progress:
    """Counts of a run; safe to read and add to from any thread."""

    steps: dict[str, StepProgress]
    started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, names: Iterable[str]) -> Progress:
        """Start counting for the named steps."""
        return cls({name: StepProgress(name) for name in names})

    def begin_again(self) -> None:
        """Count rows anew; calls, tokens and money go on counting."""
        with self._lock:
            for step in self.steps.values():
                step.total, step.done, step.rejected = None, 0, 0

    def add(self, step: str, **counts: float) -> None:
        """Add to counts of a step."""
        with self._lock:
            progress = self.steps[step]
            for name, count in counts.items():
                setattr(progress, name, getattr(progress, name) + count)

    def expect(self, step: str, rows: int) -> None:
        """Raise the number of rows a step will get."""
        with self._lock:
            progress = self.steps[step]
            progress.total = (progress.total or 0) + rows

    @property
    def calls(self) -> int:
        """Calls made in this run: answers from the store are not among them."""
        return sum(step.requests - step.reused for step in self.steps.values())

    @property
    def reused(self) -> int:
        """Answers taken from the store in this run."""
        return sum(step.reused for step in self.steps.values())

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the answers that this run saw, in and out."""
        steps = self.steps.values()
        return sum(s.input_tokens for s in steps), sum(s.output_tokens for s in steps)

    @property
    def spent_usd(self) -> float:
        """US dollars spent in this run, as far as prices are known."""
        return sum(step.spent_usd for step in self.steps.values())

    @property
    def saved_usd(self) -> float:
        """US dollars that reused answers cost when they were bought."""
        return sum(step.saved_usd for step in self.steps.values())

    def fraction(self) -> float:
        """Return the finished share of the work that is known so far, 0 to 1."""
        known = [step for step in self.steps.values() if step.total]
        total = sum(step.total or 0 for step in known)
        done = sum(min(step.done + step.rejected, step.total or 0) for step in known)
        return done / total if total else 0.0

    def seconds_left(self) -> float | None:
        """Estimate the time to the end from the speed so far; None while nothing is known."""
        fraction = self.fraction()
        elapsed = time.monotonic() - self.started
        return elapsed * (1 - fraction) / fraction if fraction > 0 else None


class AttemptObserver(Observer):
    """Counts what one attempt at a partition does, and takes it back if the attempt fails."""

    def __init__(self, progress: Progress, step: str, place: Place | None = None) -> None:
        self._progress = progress
        self._step = step
        self._place = place
        self._done = 0
        self._rejected = 0

    def called(self, step: str, calls: Calls) -> None:
        self._progress.add(
            self._step,
            requests=calls.requests,
            reused=calls.reused,
            input_tokens=calls.input_tokens,
            output_tokens=calls.output_tokens,
            spent_usd=calls.cost_usd - calls.saved_usd,
            saved_usd=calls.saved_usd,
            unpriced=calls.unpriced,
        )

    def finished(self, step: str, made: int, rejected: int) -> None:
        self._done += made
        self._rejected += rejected
        self._progress.add(self._step, done=made, rejected=rejected)
        if self._place is not None:
            self._place.finish(made + rejected)

    def settle(self, rows_in: int, rejected: int) -> None:
        """Set the counts to what the attempt came to; a failed attempt came to nothing."""
        done = max(0, rows_in - rejected)
        self._progress.add(self._step, done=done - self._done, rejected=rejected - self._rejected)
        self._done, self._rejected = done, rejected
