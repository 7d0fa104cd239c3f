"""A graph without a call: what is stored is made, what is not is counted, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import polars as pl
import pytest

from flows import Pipeline
from flows.runtime.execution import RunFailed
from flows.runtime.offline import OfflineRun, run_offline
from flows.runtime.run import Run
from flows.runtime.workspace import Workspace
from llms import OpenAILLM
from llms.errors import ConfigurationError, MissingKeyError
from llms.gateway import Gateway
from llms.home import default_gateway, home
from tasks import (
    FormatTextGenerationSFT,
    GeneratorStep,
    GlobalStep,
    GroupColumns,
    LoadDataFromDicts,
    Row,
    Step,
    TextGeneration,
)
from tasks.export.delivery import held_back, nothing_delivered
from tests.loopback import LoopbackProvider
from tests.tasks.conftest import RecordingLLM

ALL = 1_000_000


class Counted(GlobalStep):
    """Writes down how many rows there are, of which it needs some."""

    version: ClassVar = 1
    outputs: ClassVar = ("count",)

    least: int = 0

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        if len(inputs) < self.least:
            raise ValueError(f"{len(inputs)} rows are too few")
        for row in inputs:
            row["count"] = len(inputs)
        yield inputs


class Sent(Step):
    """Sends its rows to nobody."""

    version: ClassVar = 1
    delivers: ClassVar = True
    sent: ClassVar[list[bool]] = []

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        self.sent.append(not held_back())
        yield inputs


class Failing(Step):
    """Cannot work."""

    version: ClassVar = 1

    def transform(self, frame: pl.DataFrame, context: Any) -> Any:
        raise ZeroDivisionError("by nothing")


class Empty(GeneratorStep):
    """Has no rows."""

    outputs: ClassVar = ("value",)

    def process(self, offset: int = 0) -> Iterator[tuple[list[Row], bool]]:  # type: ignore[override]  # a generator takes no rows
        yield [], True


def rows(count: int) -> list[Row]:
    """Return source rows."""
    return [{"id": number, "value": f"{number} things"} for number in range(count)]


def ask(name: str = "ask", reads: str = "value", **parameters: Any) -> TextGeneration:
    """Return a step that asks about a column."""
    given: dict[str, Any] = {"template": f"{{{{ {reads} }}}}", "llm": RecordingLLM(), **parameters}
    return TextGeneration(name=name, columns=reads, **given)


def pipeline(source: list[Row] | GeneratorStep, *steps: Step) -> Pipeline:
    """Return a pipeline of one step after the other."""
    made = Pipeline("offline")
    last: Step = LoadDataFromDicts(name="load", data=source) if isinstance(source, list) else source
    made.add(last)
    for step in steps:
        made.add(step)
        made.connect(last, step)
        last = step
    return made


def offline(graph: Pipeline, size: int | None = None) -> OfflineRun:
    """Run a pipeline without a call."""
    gateway = Gateway(default_gateway().store, offline=True)
    run = Run(graph, Workspace(home()), gateway, rows_per_partition=size)
    with run, nothing_delivered():
        return run_offline(run)


def made_rows(done: OfflineRun, step: str) -> list[Row]:
    """Return the rows of a step, without the hidden columns."""
    found = done.run.workspace.scan(done.made[step]).collect()
    return found.select(pl.exclude("_row_key", "_parent_key")).to_dicts()


def test_what_is_stored_is_made_as_a_run_would_make_it() -> None:
    graph = pipeline(
        rows(7),
        ask(),
        FormatTextGenerationSFT(name="chats", input_mappings={"instruction": "value"}),
    )
    version = graph.preview(ALL)
    done = offline(graph, size=3)
    assert done.unanswered == 0
    assert made_rows(done, "chats") == version.frame().to_dicts()


def test_what_is_not_stored_is_counted_by_row_question_and_length() -> None:
    pipeline(rows(3), ask(num_generations=2)).preview(ALL)
    done = offline(pipeline(rows(5), ask(num_generations=2)), size=4)
    its = done.steps["ask"]
    keys = [key for part in done.run.sources["load"] for key in done.run.workspace.keys(part)]
    assert its.unanswered == keys[3:]
    assert its.questions == 4
    assert its.characters == 4 * len("3 things")
    assert [part and part.rows for part in its.made] == [6, None]


def test_one_answer_of_several_that_is_missing_leaves_the_row_open() -> None:
    pipeline(rows(4), ask(num_generations=1)).preview(ALL)
    its = offline(pipeline(rows(4), ask(num_generations=3))).steps["ask"]
    assert len(its.unanswered) == 4
    assert its.questions == 8


def test_nothing_is_sent(provider: LoopbackProvider) -> None:
    llm = OpenAILLM(model="loopback", base_url=provider.url)
    graph = pipeline(rows(5), ask(llm=llm), ask("more", "generation", llm=llm))
    assert offline(graph).unanswered == 5
    pipeline(rows(2), ask(llm=llm), ask("more", "generation", llm=llm)).preview(ALL)
    asked = provider.stats().requests
    assert offline(graph).unanswered == 3
    assert provider.stats().requests == asked == 4


def test_what_comes_after_an_open_partition_is_open_too() -> None:
    pipeline(rows(4), ask()).preview(ALL)
    done = offline(pipeline(rows(8), ask(), ask("more", "generation")), size=4)
    assert [part and part.rows for part in done.steps["ask"].made] == [4, None]
    assert done.steps["more"].made == [None, None]
    assert len(done.steps["more"].unanswered) == 4


def test_branches_meet_with_the_rows_that_both_have() -> None:
    def graph(count: int, right: str) -> Pipeline:
        with Pipeline("branches") as made:
            load = LoadDataFromDicts(name="load", data=rows(count))
            both = GroupColumns(name="both", columns=("generation",))
            load >> [ask("left"), ask("right", template=f"{right} {{{{ value }}}}")] >> both
        return made

    graph(3, "Say").preview(ALL)
    done = offline(graph(5, "Say"))
    assert len(made_rows(done, "both")) == 3
    assert offline(graph(3, "Tell")).steps["both"].made == [None]


def test_a_step_that_needs_all_rows_works_on_those_that_are_there() -> None:
    pipeline(rows(3), ask(), Counted(name="count")).preview(ALL)
    done = offline(pipeline(rows(5), ask(), Counted(name="count")))
    assert [row["count"] for row in made_rows(done, "count")] == [3, 3, 3]
    assert offline(pipeline(rows(5)[3:], ask(), Counted(name="count"))).steps["count"].made == [
        None
    ]


def test_a_step_that_fails_for_lack_of_rows_is_left_open_and_one_that_just_fails_is_an_error() -> (
    None
):
    pipeline(rows(3), ask()).preview(ALL)
    done = offline(pipeline(rows(5), ask(), Counted(name="count", least=5)))
    assert done.steps["count"].made == [None]
    with pytest.raises(RunFailed, match=r"^Step 'count' failed: ValueError: 3 rows are too few"):
        offline(pipeline(rows(3), ask(), Counted(name="count", least=5)))


def test_a_step_that_breaks_is_one_sentence() -> None:
    with pytest.raises(RunFailed, match=r"^Step 'fail' failed: ZeroDivisionError: by nothing\.$"):
        offline(pipeline(rows(3), Failing(name="fail")))


def test_a_source_without_rows_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="The source 'load' has no rows"):
        offline(pipeline(Empty(name="load"), ask()))


def test_rows_that_would_be_sent_out_stay_and_count_as_not_sent() -> None:
    Sent.sent.clear()
    done = offline(pipeline(rows(3), Sent(name="send"), Counted(name="count")))
    assert Sent.sent == [False]
    assert len(made_rows(done, "count")) == 3
    assert list(done.pieces.values()) == [[]]


def test_a_key_may_be_missing_while_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Locked(RecordingLLM):
        provider: ClassVar = "locked-offline"

        def check(self) -> None:
            raise MissingKeyError("There is no key.")

    graph = pipeline(rows(2), ask(llm=Locked()))
    assert offline(graph).unanswered == 2
    with pytest.raises(MissingKeyError), Run(graph, Workspace(home()), default_gateway()) as run:
        run.load()


def test_the_run_that_follows_makes_nothing_again() -> None:
    graph = pipeline(rows(6), ask())
    graph.preview(ALL)
    done = offline(graph)
    with Run(graph, Workspace(home()), default_gateway()) as run:
        run.memory.add(done.pieces, done.run.datasets)
        given = done.run.sources["load"][0].digest
        assert run.memory.whole(run.work("ask"), given) == done.made["ask"][0]
