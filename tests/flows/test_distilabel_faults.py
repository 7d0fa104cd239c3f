"""Faults of distilabel 1.5.3's pipelines that ours has not, on a real Prefect server.

Each test is named after what happens here in place of the fault.
"""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import SecretStr

from flows import DatasetVersion, Pipeline
from flows.runtime.execution import RunFailed
from llms import OpenAILLM, ScriptedLLM
from llms.errors import StillhouseError
from llms.gateway import Budget
from tasks import (
    FanInStep,
    GlobalStep,
    KeepColumns,
    LoadDataFromDicts,
    Row,
    Step,
    TextGeneration,
    step,
)
from tests.flows.test_command import COMMAND, pipeline_file
from tests.loopback import LoopbackProvider

pytestmark = pytest.mark.usefixtures("prefect")

SAYS = ScriptedLLM(replies=("to: {prompt}",))


class Even(Step):
    """Keeps the rows with an even number."""

    version: ClassVar = 1
    inputs: ClassVar = {"number": pl.Int64}

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield [row for row in inputs if row["number"] % 2 == 0]


class Counted(GlobalStep):
    """Tells every row how many there are."""

    version: ClassVar = 1
    outputs: ClassVar = {"of": pl.Int64}

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for row in inputs:
            row["of"] = len(inputs)
        yield inputs


class Failing(GlobalStep):
    """Fails."""

    version: ClassVar = 1

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        raise RuntimeError("the index is broken")


class FailingJoin(FanInStep):
    """Fails to join."""

    version: ClassVar = 1

    def join(self, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
        raise RuntimeError("the halves do not fit")


class Unloadable(Step):
    """Cannot be loaded."""

    version: ClassVar = 1

    def load(self) -> None:
        raise RuntimeError("no weights on this disk")

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield inputs


def numbered(count: int) -> list[Row]:
    return [{"number": number, "instruction": f"Say {number}."} for number in range(count)]


def asked(rows: Sequence[Row], **parameters: Any) -> Pipeline:
    with Pipeline("asked") as pipeline:
        load = LoadDataFromDicts(name="load", data=list(rows))
        load >> TextGeneration(name="ask", llm=SAYS, **parameters)
    return pipeline


def texts(version: DatasetVersion, leaf: str = "default") -> list[str]:
    return version.frame(leaf)["generation"].to_list()


# The cache.


@pytest.mark.parametrize("given", ["in a source", "to the run"])
def test_other_rows_in_the_same_pipeline_get_answers_of_their_own(given: str) -> None:
    def run(rows: Sequence[Row]) -> DatasetVersion:
        if given == "in a source":
            return asked(rows).run()
        with Pipeline("given") as pipeline:
            TextGeneration(name="ask", llm=SAYS)
        return pipeline.run(dataset=rows)

    run(numbered(4))

    again = run([{"number": 7, "instruction": "Sing."}, {"number": 8, "instruction": "Hum."}])

    assert again.frame()["number"].to_list() == [7, 8]
    assert texts(again) == ["to: Sing.", "to: Hum."]


def test_a_change_before_an_unchanged_leaf_reaches_the_leaf() -> None:
    def pipeline(template: str) -> Pipeline:
        with Pipeline("changed") as made:
            load = LoadDataFromDicts(name="load", data=numbered(3))
            ask = TextGeneration(name="ask", llm=SAYS, template=template)
            load >> ask >> KeepColumns(name="leaf", columns=["number", "generation"])
        return made

    pipeline("{{ instruction }}").run()

    again = pipeline("Please: {{ instruction }}").run()

    assert texts(again) == [f"to: Please: Say {number}." for number in range(3)]


def test_a_leaf_that_changes_after_an_interrupted_run_still_gets_every_row(
    provider: LoopbackProvider,
) -> None:
    llm = OpenAILLM(model="loopback", base_url=provider.url, api_key=SecretStr("sk-1"))

    def pipeline(*columns: str) -> Pipeline:
        with Pipeline("interrupted") as made:
            load = LoadDataFromDicts(name="load", data=numbered(40))
            ask = TextGeneration(name="ask", llm=llm)
            load >> ask >> KeepColumns(name="leaf", columns=list(columns))
        return made

    with pytest.raises(StillhouseError):
        pipeline("generation").run(budget=Budget(requests=25), rows_per_partition=10)
    version = pipeline("number", "generation").run(rows_per_partition=10)

    assert version.frame()["number"].to_list() == list(range(40))
    assert provider.stats().requests == 40


def test_a_branch_added_to_a_finished_pipeline_gets_its_rows_and_the_old_one_keeps_its_own() -> (
    None
):
    with Pipeline("growing") as before:
        load = LoadDataFromDicts(name="load", data=numbered(3))
        load >> TextGeneration(name="old", llm=SAYS)
    first = before.run()
    with Pipeline("growing") as after:
        load = LoadDataFromDicts(name="load", data=numbered(3))
        old = TextGeneration(name="old", llm=SAYS)
        load >> [old, TextGeneration(name="new", llm=SAYS, template="New: {{ instruction }}")]

    grown = after.run()

    assert texts(grown, "old") == texts(first)
    assert texts(grown, "new") == [f"to: New: Say {number}." for number in range(3)]


# What hangs, or passes for success.


@pytest.mark.parametrize(
    "then_count", [False, True], ids=["the filter last", "a global step after"]
)
def test_a_filter_that_leaves_nothing_of_the_last_partition_does_not_hang(
    then_count: bool,
) -> None:
    rows = [{"number": number} for number in [*range(0, 20, 2), *range(1, 21, 2)]]
    with Pipeline("filtered") as pipeline:
        even = Even(name="even")
        LoadDataFromDicts(name="load", data=rows) >> even
        if then_count:
            even >> Counted(name="counted")

    version = pipeline.run(rows_per_partition=10)

    assert version.frame()["number"].to_list() == list(range(0, 20, 2))
    assert version.accounts["even"].filtered == 10
    if then_count:
        assert version.frame()["of"].to_list() == [10] * 10


def test_a_source_that_fails_on_the_way_ends_the_run_with_its_reason() -> None:
    @step(outputs=["number"], step_type="generator")
    def counting() -> Iterator[tuple[list[Row], bool]]:
        yield [{"number": 0}], False
        raise RuntimeError("the tap is dry")

    with Pipeline("dry") as pipeline:
        counting(name="count") >> Even(name="even")

    with pytest.raises(RunFailed, match="the tap is dry"):
        pipeline.run()


def test_a_global_step_that_fails_ends_the_run_with_its_reason_and_not_with_an_empty_dataset() -> (
    None
):
    with Pipeline("broken") as pipeline:
        LoadDataFromDicts(name="load", data=numbered(3)) >> Failing(name="fail")

    with pytest.raises(RunFailed, match="the index is broken"):
        pipeline.run()


def test_a_join_that_fails_ends_the_run_and_no_row_is_made_up_of_one_half() -> None:
    with Pipeline("torn") as pipeline:
        load = LoadDataFromDicts(name="load", data=numbered(3))
        load >> [Even(name="one"), Even(name="two")] >> FailingJoin(name="join")

    with pytest.raises(RunFailed, match="the halves do not fit"):
        pipeline.run()


def test_a_step_that_cannot_be_loaded_ends_the_run_with_its_reason() -> None:
    with Pipeline("weightless") as pipeline:
        LoadDataFromDicts(name="load", data=numbered(3)) >> Unloadable(name="heavy")

    with pytest.raises(RunFailed, match="no weights on this disk"):
        pipeline.run()


def test_a_generator_made_of_a_function_runs_in_a_pipeline() -> None:
    @step(outputs=["number"], step_type="generator")
    def counting(upto: int = 5) -> Iterator[tuple[list[Row], bool]]:
        yield [{"number": number} for number in range(upto)], True

    with Pipeline("counting") as pipeline:
        counting(name="count") >> Even(name="even")

    assert pipeline.run().frame()["number"].to_list() == [0, 2, 4]


def test_ctrl_c_pressed_again_and_again_ends_the_process(
    tmp_path: Path, provider: LoopbackProvider
) -> None:
    provider.latency = 0.1
    pipeline_file(tmp_path, provider.url, rows=3_000)
    with subprocess.Popen(
        [*COMMAND, "run", "pipeline.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        while provider.stats().answered < 50:
            time.sleep(0.05)
        for _ in range(4):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        process.communicate(timeout=30)

    assert process.returncode != 0
    assert provider.stats().answered < 3_000


# Rows and columns on their way.


def test_a_column_that_the_first_rows_lack_reaches_a_global_step_and_the_dataset() -> None:
    @step(outputs=["late"])
    def lately(rows: list[Row]) -> Iterator[list[Row]]:
        for row in rows:
            row["late"] = {"found": "x"} if row["number"] > 15 else None
            if row["number"] > 17:
                row["later"] = row["number"]
        yield rows

    with Pipeline("late") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"number": n} for n in range(20)])
        load >> lately(name="lately") >> Counted(name="counted")

    frame = pipeline.run(rows_per_partition=5).frame()

    assert frame["late"].to_list() == [None] * 16 + [{"found": "x"}] * 4
    assert frame["later"].to_list() == [None] * 18 + [18, 19]


def test_a_preview_leaves_the_pipeline_as_it_was() -> None:
    pipeline = asked(numbered(120))
    before = pipeline.to_yaml()

    assert pipeline.preview(rows=1).rows == 1

    assert pipeline.to_yaml() == before
    assert pipeline.run().frame()["number"].to_list() == list(range(120))


# What a run does to the process and the world around it.


def test_a_run_and_its_folder_need_nobody_but_prefect_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called: list[str] = []
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def noted(address: Any) -> None:
        if isinstance(address, tuple):
            try:
                near = ipaddress.ip_address(address[0]).is_loopback
            except ValueError:
                near = address[0] == "localhost"
            if not near:
                called.append(str(address))

    def connecting(self: socket.socket, address: Any) -> None:
        noted(address)
        connect(self, address)

    def connecting_ex(self: socket.socket, address: Any) -> int:
        noted(address)
        return connect_ex(self, address)

    monkeypatch.setattr(socket.socket, "connect", connecting)
    monkeypatch.setattr(socket.socket, "connect_ex", connecting_ex)
    for missing in ("PIL", "bs4", "requests"):
        monkeypatch.setitem(sys.modules, missing, None)

    pipeline = asked(numbered(2))
    pipeline.run().save_to_disk(tmp_path / "dataset")
    pipeline.mermaid()

    assert called == []
    assert (tmp_path / "dataset" / "README.md").exists()


def test_a_run_leaves_the_log_handlers_of_the_process_alone() -> None:
    root, mine = logging.getLogger(), logging.NullHandler()
    root.addHandler(mine)
    try:
        before = list(root.handlers)
        asked(numbered(2)).run()
        assert root.handlers == before
    finally:
        root.removeHandler(mine)
