"""A graph without a call: what is stored is made, and what is not is counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from flows.runtime.execution import RunFailed
from flows.runtime.memory import Pieces, pieces_of
from flows.runtime.run import Run
from flows.runtime.stages import stages
from flows.runtime.work import make_dataset, make_partition, read_source
from flows.runtime.workspace import Partition
from llms.chat import Answer, ChatType
from llms.errors import NotStored, StillhouseError
from tasks.generator_task import GeneratorTask
from tasks.outcome import Observer, StepContext
from tasks.row import describe_error
from tasks.step import GeneratorStep


@dataclass(slots=True)
class OfflineStep:
    """What a step came to without a call.

    `unanswered` are the keys of rows that went in and have no stored answer; `questions` counts the
    requests that were found missing, with `characters` in all. A partition that could not be made
    is None.
    """

    made: list[Partition | None] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    questions: int = 0
    characters: int = 0


@dataclass(slots=True)
class OfflineRun:
    """What a run came to without a call; `seeds` are the rows that sources with a model make."""

    run: Run
    steps: dict[str, OfflineStep]
    seeds: dict[str, list[Partition]]

    @property
    def made(self) -> dict[str, list[Partition]]:
        """The partitions that could be made."""
        return {
            name: [partition for partition in step.made if partition is not None]
            for name, step in self.steps.items()
        }

    @property
    def pieces(self) -> Pieces:
        """What was made of which partition, for the run that follows."""
        delivering = [name for name, step in self.run.graph.steps.items() if step.delivers]
        made = {
            name: [None] * len(step.made) if name in delivering else step.made
            for name, step in self.steps.items()
        }
        return pieces_of(self.run.graph, self.run.branches, made)

    @property
    def unanswered(self) -> int:
        """Number of rows that have no stored answer in the first step that asks for one."""
        return sum(len(step.unanswered) for step in self.steps.values())


def run_offline(run: Run, observer: Observer | None = None) -> OfflineRun:
    """Run a graph whose gateway is offline, in this process and without Prefect.

    Sources are read unless `run.sources` has their rows already.

    Raises:
        StillhouseError: a source cannot be read, or a step cannot work.
    """
    run.load()
    steps = {name: OfflineStep() for name in run.graph.steps}
    watching = _Watching(steps, observer or Observer())
    seeds: dict[str, list[Partition]] = {}
    for name, step in run.graph.steps.items():
        if isinstance(step, GeneratorStep):
            with _told(name):
                read = run.sources.get(name) or read_source(run, name)
            if isinstance(step, GeneratorTask):
                seeds[name] = read
            else:
                run.sources[name] = read
                steps[name].made = list(read)
    known = {
        name: dict(run.workspace.scan(read).collect_schema()) for name, read in run.sources.items()
    }
    run.graph.validate(known)
    for stage in stages(run.graph):
        for name in stage.whole:
            _make_whole(run, name, steps, watching)
        for name in stage.piecewise:
            sources = [steps[source].made for source in run.graph.sources_of(name)]
            if not sources:
                sources = [list(seeds[name])]
            for taken in zip(*sources, strict=True):
                _make_piece(run, name, list(taken), steps[name], watching)
    return OfflineRun(run, steps, seeds)


class _Watching(Observer):
    """Counts questions without an answer, and passes on what is answered."""

    def __init__(self, steps: dict[str, OfflineStep], observer: Observer) -> None:
        self._steps = steps
        self._observer = observer

    def unanswered(self, step: str, key: str, error: NotStored) -> None:
        self._steps[step].questions += 1
        self._steps[step].characters += error.characters

    def answered(self, step: str, key: str, chat: ChatType, answer: Answer) -> None:
        self._observer.answered(step, key, chat, answer)


@contextmanager
def _told(step: str) -> Iterator[None]:
    """Turn what a step's own code raises into one sentence, as in a run."""
    try:
        yield
    except StillhouseError:
        raise
    except Exception as error:
        raise RunFailed(f"Step {step!r} failed: {describe_error(error)}.") from error


def _make_piece(
    run: Run,
    name: str,
    taken: Sequence[Partition | None],
    step: OfflineStep,
    watching: Observer,
) -> None:
    given = [partition for partition in taken if partition is not None]
    if len(given) < len(taken):
        step.made.append(None)
        return
    try:
        with _told(name):
            made = make_partition(run, name, given, _context(run, name, watching))
    except NotStored:
        step.made.append(None)
        step.unanswered += run.workspace.keys(given[0])
        return
    step.made.append(made)
    if made.unanswered:
        lost = (item for item in run.workspace.rejections(made) if item.unanswered)
        step.unanswered += dict.fromkeys(item.parent for item in lost)


def _make_whole(run: Run, name: str, steps: dict[str, OfflineStep], watching: Observer) -> None:
    """Make a dataset of the rows that are there; what fails for lack of the others is not made."""
    sources = [steps[source].made for source in run.graph.sources_of(name)]
    given = [[partition for partition in made if partition is not None] for made in sources]
    if not all(given):
        steps[name].made = [None]
        return
    try:
        with _told(name):
            steps[name].made = list(make_dataset(run, name, given, _context(run, name, watching)))
    except NotStored:
        steps[name].made = [None]
        steps[name].unanswered += [k for part in given[0] for k in run.workspace.keys(part)]
    except StillhouseError:
        if not _lacks_rows(run, name, steps):
            raise
        steps[name].made = [None]


def _lacks_rows(run: Run, name: str, steps: dict[str, OfflineStep]) -> bool:
    """Tell whether rows on the way to a step wait for answers."""
    return any(step.unanswered and name in run.graph.followers_of(s) for s, step in steps.items())


def _context(run: Run, name: str, observer: Observer) -> StepContext:
    return StepContext(run.gateway, observer=observer, branch=run.branches.get(name, 0))
