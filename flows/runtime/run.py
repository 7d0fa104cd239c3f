"""A run in this process: the graph at work, its workspace, gateway and counts."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import polars as pl

from flows.runtime.memory import Memory, Pieces, work_of
from flows.runtime.progress import Progress
from flows.runtime.room import Room, room_for
from flows.runtime.workspace import Partition, Workspace
from llms.errors import ConfigurationError, MissingKeyError, StillhouseError
from llms.gateway import Gateway, Purse
from tasks.graph import Graph
from tasks.step import Step

_SMALLEST_PARTITION = 100
_LARGEST_PARTITION = 5_000
_TASK_RUNS = 1_000
_HOPELESS_ROWS = 100


class EverythingRejected(StillhouseError):
    """A step rejects whatever it gets."""


class RunStopped(StillhouseError):
    """The run ends because of an error elsewhere."""


@dataclass(slots=True)
class Run:
    """What the task runs of one flow run share.

    Task runs get its `id` as a parameter and nothing else of it: clients, rows and secrets stay
    out of Prefect.
    """

    graph: Graph
    workspace: Workspace
    gateway: Gateway
    use_cache: bool = True
    rows_per_partition: int | None = None
    purse: Purse | None = None
    most_source_rows: int | None = None
    memory: Memory = field(init=False)
    pieces: Pieces = field(default_factory=dict)
    datasets: dict[str, list[Partition]] = field(default_factory=dict)
    sources: dict[str, list[Partition]] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid4().hex)
    progress: Progress = field(init=False)
    rooms: dict[str, Room] = field(init=False)
    branches: dict[str, int] = field(init=False)
    shares: dict[str, list[str]] = field(default_factory=dict)
    executed: set[tuple[str, int]] = field(default_factory=set)
    error: StillhouseError | None = None
    _loaded: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.progress = Progress.of(self.graph.steps)
        self.rooms = {name: room_for(step) for name, step in self.graph.steps.items()}
        self.branches = self.graph.branches()
        self.memory = Memory(self.workspace)

    def __enter__(self) -> Run:
        _runs[self.id] = self
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._loaded:
            self.graph.steps[name].unload()
        del _runs[self.id]

    def load(self) -> None:
        """Load every step, so that what cannot work is told before anything is paid for.

        What else goes wrong is told by the step's own task run, which loads it again.

        Raises:
            StillhouseError: a step cannot work.
        """
        for name in self.graph.steps:
            try:
                self.loaded(name)
            except StillhouseError:
                raise
            except Exception:
                self._loaded.discard(name)

    def loaded(self, name: str) -> Step:
        """Return a step, loaded once in this process; offline, a key that is missing is no harm."""
        step = self.graph.steps[name]
        with self._lock:
            if name not in self._loaded:
                try:
                    step.load()
                except MissingKeyError:
                    if not self.gateway.offline:
                        raise
                self._loaded.add(name)
        return step

    def begin_again(self, most_source_rows: int) -> None:
        """Begin another round over more rows of the sources; calls and spending go on counting."""
        self.most_source_rows = most_source_rows
        self.progress.begin_again()
        self.executed.clear()

    def work(self, name: str) -> str:
        """Name what a step does to rows in this graph."""
        return work_of(self.graph.steps[name].signature, self.branches.get(name, 0))

    def remembers(self, step: Step) -> bool:
        """Tell whether rows that a step made before are taken as they are."""
        return self.use_cache and step.use_cache

    def artifacts(self, name: str) -> Path:
        """Return the folder for what a step saves beside the dataset."""
        return self.workspace.artifacts(self.graph.steps[name].signature)

    def watch_for_hopelessness(self, step: str) -> None:
        """Raise `EverythingRejected` if a step has rejected many rows and made none."""
        counts = self.progress.steps[step]
        if counts.rejected >= _HOPELESS_ROWS and not counts.done:
            raise EverythingRejected(
                f"Step {step!r} rejected its first {counts.rejected} rows and made none, so the "
                f"run stopped; `stillhouse preview` shows the prompts and the replies."
            )

    def stop(self, error: StillhouseError) -> None:
        """Let no further step begin; the first error is the one that is told."""
        with self._lock:
            self.error = self.error or error

    def raise_if_stopped(self) -> None:
        """Raise `RunStopped` once the run is to end."""
        if self.error is not None:
            raise RunStopped(f"Not begun, because the run stopped: {self.error}")

    def partitioned(self, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Cut frames into partitions that grow, so that their number stays near its limit."""
        sizes = self._partition_sizes()
        size = next(sizes)
        waiting: list[pl.DataFrame] = []
        cut = 0
        for frame in frames:
            waiting.append(frame)
            while sum(part.height for part in waiting) >= size:
                whole = pl.concat(waiting, how="diagonal_relaxed")
                yield whole.head(size)
                cut += 1
                waiting = [whole.slice(size)]
                size = next(sizes)
        rest = pl.concat(waiting, how="diagonal_relaxed") if waiting else pl.DataFrame()
        if rest.height or not cut:
            yield rest

    def _partition_sizes(self) -> Iterator[int]:
        if self.rows_per_partition is not None:
            while True:
                yield self.rows_per_partition
        size = _SMALLEST_PARTITION
        same = max(1, _TASK_RUNS // len(self.graph.steps) // 8)
        while True:
            for _ in range(same):
                yield size
            size = min(2 * size, _LARGEST_PARTITION)


_runs: dict[str, Run] = {}


def find_run(run_id: str) -> Run:
    """Return a run of this process.

    Raises:
        ConfigurationError: it belongs to another process.
    """
    if run_id not in _runs:
        raise ConfigurationError(
            f"Run {run_id!r} belongs to another process; task runs work in the process of their "
            f"flow run, retry the flow run instead."
        )
    return _runs[run_id]
