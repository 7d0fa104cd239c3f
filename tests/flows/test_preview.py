"""A preview shows what a run would do and sends nothing out; a run checks all steps first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from flows import Pipeline
from llms import ScriptedLLM
from llms.errors import ConfigurationError
from tasks import LoadDataFromDicts, Row, Step, TextGeneration
from tasks.export.delivery import held_back


class Told(Step):
    """Notes whether it may send rows out."""

    version: ClassVar = 1
    outputs: ClassVar = ("held_back",)

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        for row in inputs:
            row["held_back"] = held_back()
        yield inputs


class Unfit(Step):
    """Cannot work on this machine."""

    version: ClassVar = 1

    def load(self) -> None:
        raise ConfigurationError("Unfit needs what is not there; bring it along.")

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield inputs


class Counting(ScriptedLLM):
    """Counts its calls."""

    calls: ClassVar[list[str]] = []

    def reply(self, request: object, seed: int) -> str:
        self.calls.append("one")
        return "Yes."


def pipeline(last: type[Step]) -> Pipeline:
    """Return a pipeline that asks a model and then does something else."""
    with Pipeline("trial") as made:
        load = LoadDataFromDicts(name="load", data=[{"instruction": "Say yes."}])
        load >> TextGeneration(name="answer", llm=Counting()) >> last(name="last")
    return made


def test_a_preview_sends_nothing_out() -> None:
    assert pipeline(Told).preview().frame()["held_back"].to_list() == [True]


@pytest.mark.usefixtures("prefect")
def test_a_run_may() -> None:
    assert pipeline(Told).run().frame()["held_back"].to_list() == [False]


@pytest.mark.usefixtures("prefect")
@pytest.mark.parametrize("how", ["run", "preview"])
def test_a_step_that_cannot_work_is_told_before_any_call(how: str) -> None:
    Counting.calls.clear()
    with pytest.raises(ConfigurationError, match="bring it along"):
        getattr(pipeline(Unfit), how)()
    assert Counting.calls == []
